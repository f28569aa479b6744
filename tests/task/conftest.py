"""A house with tasks, on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from actors.runtime.message import Caller
from tests.task.house import TaskHouse, open_house


@pytest.fixture
async def house(database_dsn: str) -> AsyncIterator[TaskHouse]:
    async with open_house(database_dsn) as opened:
        yield opened


@pytest.fixture
async def ada(house: TaskHouse) -> Caller:
    return await house.person()
