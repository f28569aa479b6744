"""Every statement fits the migrated schema, every statement is used, and every one that is used exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from storage import queries
from storage.queries import Statement

ROOT = Path(__file__).resolve().parent.parent
NOUNS = sorted(path.stem for path in queries.DIRECTORY.glob("*.sql"))


def statements(noun: str) -> list[Statement]:
    found = queries.load(noun)
    return [getattr(found, name) for name in dir(found)]


@pytest.mark.parametrize("noun", NOUNS)
async def test_every_statement_can_be_prepared(database_dsn: str, noun: str) -> None:
    connection = await asyncpg.connect(database_dsn, server_settings={"posthouse.incarnation": "0"})
    wrong = []
    try:
        for statement in statements(noun):
            try:
                await _try(connection, statement)
            except asyncpg.PostgresError as error:
                wrong.append(f"{statement.name}: {error}")
    finally:
        await connection.close()
    assert wrong == []


async def _try(connection: "asyncpg.Connection[asyncpg.Record]", statement: Statement) -> None:
    if statement.shape != "script":
        prepared = await connection.prepare(statement.sql)
        has_rows = bool(prepared.get_attributes())
        assert has_rows or statement.shape == "exec", f"{statement.name} returns nothing, and says :{statement.shape}"
        return
    for part in statement.sql.split(";"):  # PostgreSQL prepares one at a time
        await connection.prepare(part)


@pytest.mark.parametrize("noun", NOUNS)
def test_every_statement_says_what_it_does_and_what_it_takes(noun: str) -> None:
    for statement in statements(noun):
        lines = statement.sql.splitlines()
        assert lines[1].startswith("-- "), f"{statement.name} has no description"
        takes = "$1" in "\n".join(line for line in lines if not line.startswith("--"))
        says = any(line.startswith("-- $") for line in lines)  # a fenced statement's own begin at $5
        assert takes == says or statement.shape == "script", f"{statement.name} does not list its parameters"


def test_what_is_used_exists_and_what_exists_is_used() -> None:
    used = {f"{noun}.{name}" for path in _sources() for noun, name in _uses(path)}
    there = {statement.name for noun in NOUNS for statement in statements(noun)}

    assert used - there == set()
    assert there - used == set()


def _sources() -> Iterator[Path]:
    for folder in ("storage", "actors", "app"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def _uses(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (noun, name) for each attribute of what ``queries.load("noun")`` was assigned to."""
    tree = ast.parse(path.read_text("utf-8"))
    loaded = dict(_loads(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in loaded:
            yield loaded[node.value.id], node.attr


def _loads(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(func=ast.Attribute(attr="load"), args=[ast.Constant(value=str() as noun)]),
            ):
                yield name, noun


TABLES = frozenset(
    name
    for path in sorted((ROOT / "sql" / "migrations").glob("*.sql"))
    for name in re.findall(r"^create table (\w+)", path.read_text("utf-8"), re.MULTILINE)
)
COMBINED = [statement for noun in NOUNS for statement in statements(noun) if statement.combines is not None]


@pytest.mark.parametrize("statement", COMBINED, ids=lambda statement: statement.name)
def test_what_may_be_part_of_a_larger_statement_names_all_that_it_touches(statement: Statement) -> None:
    assert statement.combines is not None
    sql = re.sub(r"--.*", "", statement.sql)
    verbs = re.findall(r"\b(?:insert into|(?<!do )update|delete from) (?!set\b)(\w+)", sql)
    words = set(re.findall(r"\w+", re.sub(r"\w+\s*\(", "", sql)))

    assert len(verbs) == (1 if statement.shape == "exec" else len(verbs)) <= 1
    assert statement.combines.changes == set(verbs)
    assert statement.combines.reads == (words & TABLES) - set(verbs)
    assert "delete" not in words, "a delete may cascade to tables that are not named"
    assert statement.shape in {"exec", "many"}
    assert all(f"${number}::" in sql for number in range(1, len(set(re.findall(r"\$\d+", sql))) + 1))
    if statement.shape == "many":
        assert re.search(r"\b(select|returning) r\.ord\b", sql), "its first column is ord"


def test_what_may_be_part_of_a_larger_statement_sets_off_no_trigger() -> None:
    migrations = "".join(path.read_text("utf-8") for path in (ROOT / "sql" / "migrations").glob("*.sql"))
    watched = set(re.findall(r"create trigger[^;]*? on (\w+)", migrations))

    assert watched
    assert [
        statement.name for statement in COMBINED if statement.combines and statement.combines.changes & watched
    ] == []
