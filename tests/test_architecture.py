"""The walls of the house: who may import whom, how large things may grow, where SQL lives, how files are named."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("app", "handlers", "actors", "storage")

MAY_IMPORT = {
    "app": ("app", "handlers", "actors", "storage"),
    "handlers": ("handlers", "actors.messages", "actors.errors", "actors.runtime"),
    "actors.runtime": ("actors.runtime",),
    "actors.messages": ("actors.messages", "actors.runtime"),
    "actors": ("actors.runtime", "actors.messages", "actors.errors", "storage"),
    "storage": ("storage",),
}
"""Longest prefix wins. Beside that, modules below ``actors`` may import their own noun's modules, and rules that are
no actor; never another noun's actor."""

EMPTY_WORDS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "service", "services"}
FILE_LINES = 400
TEST_FILE_LINES = 500
FUNCTION_LINES = 40
SQL = re.compile(
    r"\b(select\s.+\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from|create\s+(table|index)|alter\s+table)\b",
    re.IGNORECASE | re.DOTALL,
)


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def everything() -> Iterator[Path]:
    """Every file of the checkout that a person wrote."""
    made = {".git", ".venv", "data", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
    for path in ROOT.rglob("*"):
        if path.is_file() and not made & set(path.relative_to(ROOT).parts) and ".hypothesis" not in path.parts:
            yield path


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Every module of ours that a file imports; ``from a import b`` counts as ``a.b`` where that is a module."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in FLOORS)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in FLOORS:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if is_module(whole) else node.module


@cache
def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def is_allowed(importer: str, imported: str) -> bool:
    floor = max((floor for floor in MAY_IMPORT if is_in(importer, floor)), key=len)
    if floor == "actors" and is_in(imported, "actors"):
        return is_in(imported, noun_of(importer)) or not defines_actor(noun_of(imported)) or is_protocol(imported)
    return any(is_in(imported, package) for package in MAY_IMPORT[floor])


def noun_of(module: str) -> str:
    """``actors.task.lease`` is a part of ``actors.task``."""
    return ".".join(module.split(".")[:2])


def is_protocol(module: str) -> bool:
    return any(is_in(module, package) for package in MAY_IMPORT["actors"])


@cache
def defines_actor(noun: str) -> bool:
    """Whether a class below this module or package is an entity or a service."""
    base = ROOT / noun.replace(".", "/")
    return any(
        re.match(r"(Entity|Service)\b", ast.unparse(parent))
        for path in (files(str(base.relative_to(ROOT))) if base.is_dir() else [base.with_suffix(".py")])
        if path.exists()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        for parent in node.bases
    )


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("handlers.task", "storage.task", False),
        ("handlers.task", "actors.task", False),
        ("handlers.task", "actors.messages.task", True),
        ("actors.task", "actors.account", False),
        ("actors.task.lease", "actors.task.rules", True),
        ("actors.task", "storage.task", True),
        ("actors.messages.task", "storage.task", False),
        ("actors.runtime.system", "actors.errors", False),
        ("storage.task", "actors.messages.task", False),
        ("app.cli.serve", "storage.postgres", True),
    ],
)
def test_the_wall_itself_stands(importer: str, imported: str, allowed: bool) -> None:  # noqa: FBT001
    assert is_allowed(importer, imported) == allowed


@pytest.mark.parametrize("path", files(*FLOORS), ids=name_of)
def test_imports_point_down(path: Path) -> None:
    importer = name_of(path)
    assert [imported for imported in imports(path) if not is_allowed(importer, imported)] == []


def test_files_stay_small() -> None:
    large = {
        name_of(path): lines
        for path in [*files(*FLOORS, "bench", "examples", "tests"), ROOT / "main.py"]
        if (lines := len(path.read_text(encoding="utf-8").splitlines()))
        > (TEST_FILE_LINES if path.is_relative_to(ROOT / "tests") else FILE_LINES)
    }
    assert large == {}


def test_functions_stay_small() -> None:
    large = {
        f"{name_of(path)}.{node.name}": lines
        for path in files(*FLOORS, "bench", "examples", "tests")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    }
    assert large == {}


def test_sql_lives_in_sql_files() -> None:
    found = {
        f"{name_of(path)}:{node.lineno}"
        for path in files(*FLOORS)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings(path)
        if SQL.search(node.value)
    }
    assert found == set()


@cache
def docstrings(path: Path) -> set[ast.Constant]:
    """Strings that stand alone: documentation of a module, a class, a function or an attribute."""
    alone = (node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Expr))
    return {value for value in alone if isinstance(value, ast.Constant)}


@pytest.mark.parametrize("text", ["select a from b", "INSERT INTO x", "update task set n = 1", "delete from task"])
def test_sql_is_recognised(text: str) -> None:
    assert SQL.search(text)


def test_every_module_says_what_it_owns() -> None:
    assert [name_of(path) for path in files(*FLOORS) if ast.get_docstring(tree(path)) is None] == []


def test_modules_are_named_for_what_they_are() -> None:
    assert [
        name_of(path)
        for path in files(*FLOORS)
        if EMPTY_WORDS & set(path.stem.split("_")) and not is_in(name_of(path), "actors.runtime")  # runs service actors
    ] == []


def test_file_names_are_plain_ascii() -> None:
    assert [str(path) for path in everything() if not re.fullmatch(r"[A-Za-z0-9._-]+", path.name)] == []
