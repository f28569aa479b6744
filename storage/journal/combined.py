"""A whole transaction as one statement: one round trip in place of four or more.

The writes become CTEs of one statement. These share a snapshot and have no order among them, so this is for statements
alone that have said what they touch (``-- combines:``, see `storage.queries`), each once, and none touches what another
one changes. An expectation is checked inside: what is refused is refused before anything is committed.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations
from typing import NamedTuple

from storage import queries
from storage.journal.merge import Group, collect
from storage.postgres import Record
from storage.queries import Statement, Touch
from storage.write import Write

Q = queries.load("journal")
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
_PLACE = re.compile(r"^answer as .*$", re.MULTILINE)
_PARAMETER = re.compile(r"\$(\d+)")
_OWN = Touch(frozenset({"event"}), frozenset({"house"}))


class Combined(NamedTuple):
    """A statement that is a whole transaction, and what it takes."""

    sql: str
    before: Sequence[object]
    """Arguments before those of `insert_events`, behind the incarnation."""
    behind: Sequence[object]


def combine(wanted: Sequence[Sequence[Write]], groups: Sequence[Group]) -> Combined | None:
    """Make one statement of all groups; None where it takes several."""
    frame = Q.at_once
    before: tuple[object, ...] = ()
    for statement, places in groups:
        if statement.combines is None:
            return None
        expected = sum(wanted[turn][i].expect is not None for turn, i in places)
        if statement.shape != "exec":
            if frame is not Q.at_once or expected not in {0, len(places)}:
                return None
            frame, before = (Q.at_once_checked, (expected,)) if expected else (Q.at_once_answered, ())
        elif expected:
            return None
    sql = _sql(frame, tuple(statement for statement, _ in groups))
    return None if sql is None else Combined(sql, before, list(_columns(wanted, groups)))


def answers(
    wanted: Sequence[Sequence[Write]], groups: Sequence[Group], rows: Sequence[Record]
) -> list[list[list[Record]]]:
    """Return for each turn the rows of each write."""
    results: list[list[list[Record]]] = [[[] for _ in writes] for writes in wanted]
    for statement, places in groups:
        if statement.shape != "exec":
            collect(results, places, [row for row in rows if row[0] is not None])
    return results


def _columns(wanted: Sequence[Sequence[Write]], groups: Sequence[Group]) -> Iterator[list[object]]:
    for _, places in groups:
        yield from map(list, zip(*(wanted[turn][i].args for turn, i in places), strict=True))


@cache
def _sql(frame: Statement, statements: tuple[Statement, ...]) -> str | None:
    if not _are_apart(statements):
        return None
    parts, taken = [], _parameters(frame.sql)
    for number, statement in enumerate((Q.insert_events, *statements)):
        name = f"part_{number}" if statement.shape == "exec" else "answer"
        parts.append(f"{name} as (\n{_shift(statement.sql, taken)}\n)")
        taken += _parameters(statement.sql)
    return _PLACE.sub(lambda _: ",\n".join(parts), frame.sql)


def _are_apart(statements: tuple[Statement, ...]) -> bool:
    """Whether no statement touches what another one changes: this includes one that comes twice, and changes."""
    touches = [_OWN, *(statement.combines or _OWN for statement in statements)]
    return len(set(statements)) == len(statements) and not any(
        one.changes & (other.changes | other.reads) or other.changes & one.reads
        for one, other in combinations(touches, 2)
    )


def _shift(sql: str, by: int) -> str:
    return _PARAMETER.sub(lambda found: f"${int(found[1]) + by}", _COMMENT.sub("", f"{sql}\n")).rstrip("; \n")


def _parameters(sql: str) -> int:
    return max((int(number) for number in _PARAMETER.findall(_COMMENT.sub("", sql))), default=0)
