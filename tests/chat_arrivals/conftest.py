"""The whole house behind its real edges, on a database of the test's own, with Ada, Ben and Cyd."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chat_arrivals.house import TalkingHouse, open_talking
from tests.system.house import Person


@pytest.fixture
async def house(database_dsn: str, tmp_path: Path) -> AsyncIterator[TalkingHouse]:
    async with open_talking(database_dsn, tmp_path) as opened:
        yield opened


@pytest.fixture
def ada(house: TalkingHouse) -> Person:
    return house.served.ada


@pytest.fixture
async def others(house: TalkingHouse) -> tuple[Person, Person]:
    ben, cyd = await house.people("ben", "cyd")
    return ben, cyd


@pytest.fixture
def ben(others: tuple[Person, Person]) -> Person:
    return others[0]


@pytest.fixture
def cyd(others: tuple[Person, Person]) -> Person:
    return others[1]
