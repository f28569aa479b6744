"""One embedded PostgreSQL and one Redis per test process, and a fresh database for every test that asks for one."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from storage.migrations import migrate
from storage.postgres_server import PostgresServer
from tests.redis_server import RedisServer, redis_server

_numbers = count(1)

_OF_TESTS = {"POSTHOUSE_REQUIRE_NODE", "POSTHOUSE_TEST_TRANSPORT"}
for _name in [name for name in os.environ if name.startswith("POSTHOUSE_") and name not in _OF_TESTS]:
    del os.environ[_name]  # the tests say themselves what is set


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where node is required, a test that is marked ``node`` and was skipped has failed."""
    report = yield
    if report.skipped and "node" in item.keywords and os.environ.get("POSTHOUSE_REQUIRE_NODE") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped although POSTHOUSE_REQUIRE_NODE=1: {report.longreprtext}"
    return report


@contextmanager
def open_folder() -> Iterator[Path]:
    """Not tmp_path: pytest closes it (0700), and under root PostgreSQL is somebody else who could not reach it."""
    folder = Path(tempfile.mkdtemp(prefix="posthouse-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """A folder for a house's data: an embedded PostgreSQL may live in it."""
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """The address of this process's own PostgreSQL, database ``postgres``, empty. Stopped and removed at the end."""
    with open_folder() as folder:
        server = PostgresServer(folder / "postgres", durable=False)  # tests kill processes, never the machine's power
        try:
            yield server.start()
        finally:
            server.stop()


@pytest.fixture(scope="session")
def template_dsn(postgres_dsn: str) -> str:
    """A migrated database that others are copied from. Nobody may stay connected to it."""
    asyncio.run(_execute(postgres_dsn, "create database house"))
    dsn = in_database(postgres_dsn, "house")
    asyncio.run(migrate(dsn))
    return dsn


@pytest.fixture
async def empty_dsn(postgres_dsn: str) -> AsyncIterator[str]:
    """A database of the test's own, without any table. Dropped afterwards, with whoever is still connected."""
    async for dsn in _fresh(postgres_dsn, template="template0"):
        yield dsn


@pytest.fixture
async def database_dsn(postgres_dsn: str, template_dsn: str) -> AsyncIterator[str]:
    """A migrated database of the test's own. Dropped afterwards, with whoever is still connected."""
    async for dsn in _fresh(postgres_dsn, template="house"):
        yield dsn


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """This process's own Redis, for all tests that leave it running. Stopped and removed at the end."""
    with redis_server() as server:
        yield server


@pytest.fixture
def redis_url(shared_redis: RedisServer) -> str:
    """The address of an empty Redis of the test's own."""
    return shared_redis.fresh()


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis that the test may kill, freeze and start anew."""
    with redis_server() as server:
        yield server


def in_database(dsn: str, name: str) -> str:
    """The same server, another database."""
    head, query = dsn.split("?", 1)
    return f"{head.rsplit('/', 1)[0]}/{name}?{query}"


async def _fresh(dsn: str, template: str) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    await _execute(dsn, f"create database {name} template {template}")
    try:
        yield in_database(dsn, name)
    finally:
        await _execute(dsn, f"drop database {name} with (force)")


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
