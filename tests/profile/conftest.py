"""The whole house behind its real edges, with Ada, Ben and Cyd, on a database of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.profile.house import ProfileHouse, open_profiles
from tests.system.house import Person


@pytest.fixture
async def house(database_dsn: str, tmp_path: Path) -> AsyncIterator[ProfileHouse]:
    async with open_profiles(database_dsn, tmp_path) as opened:
        yield opened


@pytest.fixture
def ada(house: ProfileHouse) -> Person:
    return house.served.ada


@pytest.fixture
async def ben(house: ProfileHouse) -> Person:
    return await house.served.person("Ben")


@pytest.fixture
async def cyd(house: ProfileHouse) -> Person:
    return await house.served.person("cyd")
