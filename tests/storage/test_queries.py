"""The loader of named statements."""

from pathlib import Path

import pytest

from storage import queries


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(queries, "DIRECTORY", tmp_path)
    queries.load.cache_clear()
    return tmp_path


def test_statements_are_attributes_and_keep_their_comments(directory: Path) -> None:
    (directory / "a.sql").write_text(
        "-- name: get_a :one\n-- One a.\n-- $1 id\nselect $1;\n\n-- name: list_a :many\nselect 2\n"
    )
    found = queries.load("a")

    assert found.get_a == queries.Statement("a.get_a", "-- a.get_a\n-- One a.\n-- $1 id\nselect $1", "one")
    assert found.list_a.shape == "many"
    assert dir(found) == ["get_a", "list_a"]


def test_an_unknown_name_says_where_it_is_missing(directory: Path) -> None:
    (directory / "a.sql").write_text("-- name: get_a :one\nselect 1")

    with pytest.raises(AttributeError, match=r"sql/queries/a.sql has no statement get_b"):
        _ = queries.load("a").get_b


def test_a_name_is_given_once(directory: Path) -> None:
    (directory / "a.sql").write_text("-- name: get_a :one\nselect 1\n-- name: get_a :one\nselect 2")

    with pytest.raises(ValueError, match="get_a twice"):
        queries.load("a")
