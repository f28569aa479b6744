"""Migrations: in order, once, all or nothing each, and never changed afterwards."""

import asyncio
from pathlib import Path

import pytest

from storage.errors import MigrationChanged, StatementFailed
from storage.migrations import migrate
from tests.storage.things import ask


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "0001_a.sql").write_text("create table a (id int); create table b (id int);")
    (tmp_path / "0002_b.sql").write_text("insert into a values (1);")
    return tmp_path


async def test_files_are_applied_in_order_and_once(empty_dsn: str, directory: Path) -> None:
    assert await migrate(empty_dsn, directory) == ["0001_a", "0002_b"]
    assert await migrate(empty_dsn, directory) == []
    (directory / "0003_c.sql").write_text("insert into b select * from a")
    assert await migrate(empty_dsn, directory) == ["0003_c"]

    assert len(await ask(empty_dsn, "select 1 from a union all select 1 from b")) == 2


async def test_processes_that_start_together_apply_a_file_once(empty_dsn: str, directory: Path) -> None:
    applied = await asyncio.gather(*(migrate(empty_dsn, directory) for _ in range(4)))

    assert sorted(map(len, applied)) == [0, 0, 0, 2]


async def test_a_changed_file_is_refused(empty_dsn: str, directory: Path) -> None:
    await migrate(empty_dsn, directory)
    (directory / "0001_a.sql").write_text("create table a (id bigint)")
    (directory / "0003_c.sql").write_text("create table c ()")

    with pytest.raises(MigrationChanged, match="0001_a"):
        await migrate(empty_dsn, directory)
    assert await ask(empty_dsn, "select 1 from pg_tables where tablename = 'c'") == []


async def test_a_missing_file_is_refused(empty_dsn: str, directory: Path) -> None:
    await migrate(empty_dsn, directory)
    (directory / "0001_a.sql").unlink()

    with pytest.raises(MigrationChanged, match="0001_a"):
        await migrate(empty_dsn, directory)


async def test_a_file_that_fails_leaves_nothing_and_can_be_mended(empty_dsn: str, directory: Path) -> None:
    (directory / "0003_c.sql").write_text("create table c (); create tabel d ();")
    with pytest.raises(StatementFailed, match=r"0003_c\.sql"):
        await migrate(empty_dsn, directory)
    assert await ask(empty_dsn, "select 1 from pg_tables where tablename = 'c'") == []

    (directory / "0003_c.sql").write_text("create table c (); create table d ();")
    assert await migrate(empty_dsn, directory) == ["0003_c"]
