"""A house of each test's own; and one that the tests share which leave everything as it was."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import open_folder
from tests.faults.world import World, populate
from tests.running import RunningHouse, end, running_house


@pytest.fixture
async def house(data_folder: Path) -> AsyncIterator[RunningHouse]:
    """A running house."""
    async with running_house(data_folder) as running:
        yield running


@contextmanager
def populated() -> Iterator[World]:
    """A house with people in it, for longer than one test."""
    with open_folder() as folder:
        house = RunningHouse(folder)
        try:
            asyncio.run(house.start())
            yield asyncio.run(populate(house))
        finally:
            asyncio.run(end(house))


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """A house with people in it, whose rows nobody may change."""
    with populated() as world:
        yield world


@pytest.fixture(scope="module")
def own_world() -> Iterator[World]:
    """A house with people in it, where much may happen."""
    with populated() as world:
        yield world


@pytest.fixture
async def untouched(world: World) -> AsyncIterator[World]:
    """The shared house, and a look at the end: nothing has changed in it, and nothing has crashed."""
    before, faults = await world.contents(), len(world.house.faults())
    yield world
    assert await world.contents() == before
    assert world.house.faults()[faults:] == []


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A client with as many connections as asked for."""
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session
