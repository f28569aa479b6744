"""A house of each test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.running import RunningHouse, running_house


@pytest.fixture
async def house(data_folder: Path) -> AsyncIterator[RunningHouse]:
    """A running house."""
    async with running_house(data_folder) as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A client with as many connections as asked for."""
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session
