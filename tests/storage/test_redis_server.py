"""The Redis of a cluster: what it holds outlives its process, it dies with its parent, and belongs to one cluster."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import ROOT
from storage import redis_server
from storage.postgres_files import FolderInUse
from storage.redis.connect import open_commands
from storage.redis_server import RedisFailed, RedisServer

CLUSTER = """
import sys, time
from pathlib import Path
from storage.redis_server import RedisServer
server = RedisServer(Path(sys.argv[1]))
print(server.start(), server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def server(data_folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(data_folder / "redis")
    yield server
    server.stop()


async def ask(url: str, *words: str) -> object:
    client = open_commands(url, "test")
    try:
        return await client.execute_command(*words)  # type: ignore[no-untyped-call]
    finally:
        await client.aclose()


async def test_what_it_holds_is_there_after_a_stop_and_a_start(server: RedisServer) -> None:
    await ask(server.start(), "SET", "kept", "42")
    server.stop()
    assert server.pid is None
    assert await ask(server.start(), "GET", "kept") == b"42"


async def test_it_keeps_what_waits_and_is_reached_by_its_user_alone(server: RedisServer) -> None:
    url = server.start()
    for name, value in ((b"maxmemory-policy", b"noeviction"), (b"appendonly", b"yes"), (b"port", b"0")):
        assert await ask(url, "CONFIG", "GET", name.decode()) in ({name: value}, [name, value])
    assert Path(url.removeprefix("unix://")).parent.stat().st_mode & 0o077 == 0


async def test_streams_pass(server: RedisServer) -> None:
    url = server.start()
    await ask(url, "XGROUP", "CREATE", "mb:1", "houses", "0", "MKSTREAM")
    await ask(url, "XADD", "mb:1", "*", "m", "hello")
    assert await ask(url, "XREADGROUP", "GROUP", "houses", "a", "COUNT", "1", "STREAMS", "mb:1", ">")
    assert await ask(url, "XAUTOCLAIM", "mb:1", "houses", "b", "0", "0-0")


async def test_a_killed_server_comes_back_with_what_it_held(server: RedisServer) -> None:
    url = server.start()
    await ask(url, "SET", "kept", "42")
    away: list[float] = []
    watching = asyncio.create_task(server.watch(away.append))
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    async with asyncio.timeout(5):
        while not away:
            await asyncio.sleep(0.01)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert await ask(url, "GET", "kept") == b"42"


def test_a_second_cluster_is_refused(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_server, "LEFTOVER_SECONDS", 0.1)
    server.start()
    with pytest.raises(FolderInUse, match=str(os.getpid())):
        RedisServer(server.folder).start()
    assert server.pid is not None


def test_it_dies_with_its_parent_and_the_next_one_waits_for_that(data_folder: Path) -> None:
    folder = data_folder / "redis"
    parent = subprocess.Popen([sys.executable, "-c", CLUSTER, str(folder)], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline().split()[-1])
    parent.kill()
    parent.wait()
    parent.stdout.close()
    following = RedisServer(folder)
    try:
        following.start()
        assert following.pid not in {None, pid}
        until = time.monotonic() + 5
        while Path(f"/proc/{pid}").exists() and b"Z" not in Path(f"/proc/{pid}/stat").read_bytes().split(b")")[-1]:
            assert time.monotonic() < until, "the server outlives its parent"
            time.sleep(0.01)
    finally:
        following.stop()


def test_one_that_cannot_start_says_why(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(redis_server.SETTINGS, "no-such-setting", "on")
    with pytest.raises(RedisFailed, match="no-such-setting"):
        server.start()


def test_without_any_redis_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(RedisFailed, match="install one"):
        redis_server.executable()


def test_a_long_path_gets_a_short_socket(data_folder: Path) -> None:
    server = RedisServer(data_folder / ("long" * 25) / "redis")
    try:
        assert len(server.start()) < 107
    finally:
        server.stop()
