"""One running house that these tests share, and houses of a test's own."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import open_folder
from tests.realtime.wire import Wire
from tests.realtime_house.desk import Desk
from tests.running import RunningHouse, end, running_house

SHORT = {"POSTHOUSE_AUTH_ACCESS_TOKEN_SECONDS": "2", "POSTHOUSE_REALTIME_EXPIRY_GRACE_SECONDS": "1"}


@pytest.fixture(scope="session")
def shared_house() -> Iterator[RunningHouse]:
    """A running house; whoever uses it makes people of their own."""
    with kept_running({}) as house:
        yield house


@pytest.fixture(scope="session")
def brief_house() -> Iterator[RunningHouse]:
    """A house whose access tokens end after 2 s."""
    with kept_running(SHORT) as house:
        yield house


@contextmanager
def kept_running(environment: Mapping[str, str]) -> Iterator[RunningHouse]:
    """A house that outlives the tests' event loops."""
    with open_folder() as folder:
        house = RunningHouse(folder, environment)
        try:
            asyncio.run(house.start())
            yield house
        finally:
            asyncio.run(end(house))


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A client with as many connections as asked for."""
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


@pytest.fixture
async def desk(shared_house: RunningHouse, client: aiohttp.ClientSession) -> AsyncIterator[Desk]:
    """The shared house; nothing may crash in it."""
    before = len(shared_house.faults())
    yield Desk(shared_house, client)
    await close_wires()
    assert shared_house.faults()[before:] == []


@pytest.fixture
async def brief_desk(brief_house: RunningHouse, client: aiohttp.ClientSession) -> AsyncIterator[Desk]:
    """The house with the short tokens; nothing may crash in it."""
    yield Desk(brief_house, client)
    assert brief_house.faults() == []


@pytest.fixture
async def own_desk(data_folder: Path, client: aiohttp.ClientSession) -> AsyncIterator[Desk]:
    """A house of the test's own, to be killed and started again."""
    async with running_house(data_folder) as house:
        yield Desk(house, client)
        await close_wires()


async def close_wires() -> None:
    """Close every socket that a test has left open."""
    while Wire.opened:
        await Wire.opened.pop().close()
