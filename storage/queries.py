"""Loads named SQL statements from ``sql/queries/<noun>.sql``.

A statement starts with ``-- name: insert_thing :many`` and a line that says what it does; its text can be pasted into
psql. Shapes: ``:one`` (a row or none), ``:many`` (rows), ``:value`` (one value), ``:exec`` (nothing),
``:script`` (several statements without parameters, sent in one round trip).

A line ``-- combines: changes thing, reads other`` tells the journal that the statement may be a part of one larger
statement (`storage.journal.combined`). It names every table that the statement touches, but for what constraints look
at; it has no CTE that writes, and gives each ``ord`` once at most.
"""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

DIRECTORY = Path(__file__).resolve().parent.parent / "sql" / "queries"
_HEADING = re.compile(r"^-- name: (\w+) :(one|many|value|exec|script)\n", re.MULTILINE)
_COMBINES = re.compile(r"^-- combines: (.+)$", re.MULTILINE)


class Touch(NamedTuple):
    """Which tables a statement changes, and which it only reads."""

    changes: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()

    @classmethod
    def of(cls, sql: str) -> "Touch | None":
        """Read the line that says so; None when there is none."""
        line = _COMBINES.search(sql)
        if line is None:
            return None
        named = [part.split() for part in line[1].split(",")]
        return cls(*(frozenset(table for verb, table in named if verb == which) for which in ("changes", "reads")))


class Statement(NamedTuple):
    """One SQL statement by name; ``sql`` keeps its comments, so that server logs show the name."""

    name: str
    sql: str
    shape: str
    combines: Touch | None = None

    def __hash__(self) -> int:
        """Hash by name: statements are dictionary keys on the hottest path."""
        return hash(self.name)


class Queries:
    """The statements of one noun as attributes."""

    def __init__(self, noun: str, statements: dict[str, Statement]) -> None:
        self._noun = noun
        self.__dict__.update(statements)

    def __getattr__(self, name: str) -> Statement:
        """Refuse what is not there: raises ``AttributeError``."""
        raise AttributeError(f"sql/queries/{self._noun}.sql has no statement {name}")

    def __dir__(self) -> list[str]:
        """Return the statements' names."""
        return [name for name, value in self.__dict__.items() if isinstance(value, Statement)]


@cache
def load(noun: str) -> Queries:
    """Read ``sql/queries/<noun>.sql``. Raises ``FileNotFoundError``; ``ValueError`` for a name given twice."""
    _, *parts = _HEADING.split((DIRECTORY / f"{noun}.sql").read_text("utf-8"))
    statements: dict[str, Statement] = {}
    for name, shape, sql in zip(parts[0::3], parts[1::3], parts[2::3], strict=True):
        if name in statements:
            raise ValueError(f"sql/queries/{noun}.sql has {name} twice")
        text = f"-- {noun}.{name}\n{sql.strip().rstrip(';')}"
        statements[name] = Statement(f"{noun}.{name}", text, shape, Touch.of(sql))
    return Queries(noun, statements)
