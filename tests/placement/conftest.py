"""Houses on one database and one Redis; those that still stand at the end are stopped."""

from collections.abc import AsyncIterator, Coroutine
from typing import Any, Protocol

import pytest

from tests.placement.homestead import Homestead
from tests.runtime.world import Store


class Build(Protocol):
    """Starts a house; ``url`` is where it finds Redis, if not where all do; see `Homestead.start`."""

    def __call__(
        self, name: str, url: str | None = None, start_seconds: float = 0.0
    ) -> Coroutine[Any, Any, Homestead]: ...


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def build(database_dsn: str, redis_url: str, store: Store) -> AsyncIterator[Build]:
    built: list[Homestead] = []

    async def start(name: str, url: str | None = None, start_seconds: float = 0.0) -> Homestead:
        house = await Homestead(database_dsn, url or redis_url, name, store).start(start_seconds)
        built.append(house)
        return house

    yield start
    for house in built:
        if house.system._stage == "running" and house.system.limit >= 0:
            await house.stop()
