"""The embedded PostgreSQL: it comes up, survives being killed, and never belongs to two houses."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest

from storage import postgres_files, postgres_leftover
from storage.errors import TROUBLE
from storage.postgres_server import FolderInUse, PostgresFailed, PostgresServer

HOUSE = """
import sys, time
from pathlib import Path
from storage.postgres_server import PostgresServer
server = PostgresServer(Path(sys.argv[1]))
print(server.start(), server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(data_folder: Path) -> Path:
    return data_folder / "postgres"


@pytest.fixture
def server(folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(folder)
    yield server
    server.stop()


async def value(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_what_was_committed_is_there_after_a_stop_and_a_start(server: PostgresServer) -> None:
    await value(server.start(), "create table kept as select 42 as answer")
    server.stop()
    assert server.pid is None
    assert await value(server.start(), "select answer from kept") == 42


async def test_a_house_keeps_its_promises_durably_and_in_utc(server: PostgresServer) -> None:
    dsn = server.start()
    settings = [await value(dsn, f"show {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")]
    assert settings == ["on", "on", "on"]
    assert await value(dsn, "show timezone") == "UTC"
    assert await value(dsn, "show listen_addresses") == ""


def test_nobody_else_may_enter_the_folder_of_the_socket(server: PostgresServer, folder: Path) -> None:
    server.start()
    assert (folder / "run").stat().st_mode & 0o077 == 0
    assert (folder / "cluster").stat().st_mode & 0o077 == 0


def test_a_warm_start_and_stop_take_well_under_a_second(server: PostgresServer) -> None:
    server.start()
    server.stop()
    began = time.monotonic()
    server.start()
    server.stop()
    assert time.monotonic() - began < 1.0  # mostly 0.05 s; the bound leaves room for a busy machine


def test_a_second_house_is_refused_with_the_number_of_the_first(server: PostgresServer, folder: Path) -> None:
    server.start()
    with pytest.raises(FolderInUse, match=str(os.getpid())):
        PostgresServer(folder).start()
    assert server.pid is not None


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    server = PostgresServer(folder)
    server.start()
    server.stop()
    (folder / "cluster" / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(PostgresFailed, match="no_such_setting"):
        server.start()


def test_it_refuses_to_start_outside_the_main_thread(folder: Path) -> None:
    caught: list[BaseException] = []

    def start() -> None:
        try:
            PostgresServer(folder).start()
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGQUIT])
async def test_a_server_that_ends_under_load_comes_back_by_itself(server: PostgresServer, how: signal.Signals) -> None:
    dsn = server.start()
    await value(dsn, "create table kept (n int)")
    away: list[float] = []
    watching = asyncio.create_task(server.watch(away.append))
    busy = [asyncio.create_task(insert_until_lost(dsn)) for _ in range(8)]
    await asyncio.sleep(0.3)
    first = server.pid
    assert first is not None
    os.kill(first, how)
    acknowledged = sum(await asyncio.gather(*busy))
    await until(lambda: bool(away))
    watching.cancel()
    assert acknowledged > 0
    assert await value(dsn, "select count(*) from kept") >= acknowledged  # type: ignore[operator]
    assert server.pid not in {None, first}


async def insert_until_lost(dsn: str) -> int:
    """Insert rows until the server has gone; return how many were acknowledged."""
    acknowledged = 0
    connection = await asyncpg.connect(dsn)
    with suppress(asyncpg.PostgresError, *TROUBLE):
        while True:
            await connection.execute("insert into kept values (1)")
            acknowledged += 1
    connection.terminate()
    return acknowledged


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


def begin_house(folder: Path) -> tuple["subprocess.Popen[str]", str, int]:
    """Start another process that owns a server; return it, its dsn and its server's process id."""
    house = subprocess.Popen([sys.executable, "-c", HOUSE, str(folder)], stdout=subprocess.PIPE, text=True)
    assert house.stdout is not None
    dsn, pid = house.stdout.readline().split()
    return house, dsn, int(pid)


def kill(house: "subprocess.Popen[str]") -> None:
    house.kill()
    house.communicate()


async def test_the_server_ends_with_a_house_that_is_killed(folder: Path) -> None:
    house, _, pid = begin_house(folder)
    kill(house)
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


async def test_a_house_that_was_killed_together_with_its_server_starts_again(
    server: PostgresServer, folder: Path
) -> None:
    house, dsn, pid = begin_house(folder)
    await value(dsn, "create table kept as select 42 as answer")
    os.kill(pid, signal.SIGKILL)
    kill(house)
    assert await value(server.start(), "select answer from kept") == 42


async def test_a_server_that_was_left_running_is_ended_and_replaced(folder: Path, server: PostgresServer) -> None:
    left = PostgresServer(folder)
    await value(left.start(), "create table kept as select 42 as answer")
    process, lock = left._process, left._lock
    assert process is not None and lock is not None
    lock.close()  # the house is gone, its server is not
    assert await value(server.start(), "select answer from kept") == 42
    process.wait(5)
    assert server.pid not in {None, process.pid}


async def test_a_server_that_does_not_listen_any_more_is_ended_by_force(
    folder: Path, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_leftover, "PATIENCE_SECONDS", 0.2)
    house, dsn, pid = begin_house(folder)
    await value(dsn, "create table kept as select 42 as answer")
    os.kill(pid, signal.SIGSTOP)
    kill(house)
    assert await value(server.start(), "select answer from kept") == 42


def test_a_leftover_that_ends_by_itself_meanwhile_is_no_obstacle() -> None:
    with subprocess.Popen(["sleep", "60"]) as ended:
        there = psutil.Process(ended.pid)
        ended.kill()
    assert postgres_leftover._leaders([there]) == []


def test_a_stale_pid_file_that_names_a_stranger_is_no_obstacle(server: PostgresServer, folder: Path) -> None:
    server.start()
    server.stop()
    (folder / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder / 'cluster'}\n")
    server.start()
    assert server.pid is not None


def test_a_half_made_cluster_is_begun_anew(server: PostgresServer, folder: Path) -> None:
    (folder / "cluster.draft" / "base").mkdir(parents=True)
    server.start()
    assert server.pid is not None


async def test_a_folder_with_a_very_long_name_works(folder: Path) -> None:
    server = PostgresServer(folder.parent / ("long" * 40))
    try:
        assert await value(server.start(), "select 1") == 1
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a server as somebody else")
class TestUnderRoot:
    """PostgreSQL refuses to run as root, so another user must reach everything."""

    def test_the_server_is_not_root(self, server: PostgresServer) -> None:
        server.start()
        assert server.pid is not None
        assert psutil.Process(server.pid).uids().real != 0

    async def test_data_below_a_closed_folder_lies_elsewhere_behind_a_link(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
    ) -> None:
        monkeypatch.setattr(postgres_files, "SHARED", folder.parent / "shared")
        assert not postgres_files.is_open(tmp_path)  # pytest closes it
        server = PostgresServer(tmp_path / "data" / "postgres")
        try:
            await value(server.start(), "create table kept as select 42 as answer")
            server.stop()
            assert await value(server.start(), "select answer from kept") == 42
        finally:
            server.stop()
        assert (tmp_path / "data" / "postgres").is_symlink()

    def test_binaries_below_a_closed_folder_are_copied(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
    ) -> None:
        monkeypatch.setattr(postgres_files, "SHARED", folder.parent / "shared")
        user = postgres_files.server_user(folder)
        package = postgres_files.binaries(user).parent.parent
        for part in (package, package.parent / f"{package.name}.libs"):
            shutil.copytree(part, tmp_path / part.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall"))
        monkeypatch.syspath_prepend(tmp_path)
        server = PostgresServer(folder)
        try:
            server.start()
            assert server.pid is not None
            assert Path(psutil.Process(server.pid).exe()).is_relative_to(folder.parent / "shared")
        finally:
            server.stop()
