"""The whole house behind its real edges, with two schools and three areas."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.courier.house import Chain, CourierHouse, open_couriers
from tests.system.house import Person


@pytest.fixture
async def post_house(database_dsn: str, tmp_path: Path) -> AsyncIterator[CourierHouse]:
    async with open_couriers(database_dsn, tmp_path) as opened:
        yield opened


@pytest.fixture
async def chain(post_house: CourierHouse) -> Chain:
    return await post_house.chain()


@pytest.fixture
async def ada(post_house: CourierHouse) -> Person:
    return post_house.served.ada


@pytest.fixture
async def ben(post_house: CourierHouse) -> Person:
    return await post_house.person("Ben")
