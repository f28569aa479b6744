"""Houses that share counters over a Redis that the test may break."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from actors.runtime.clock import ManualClock
from tests.redis_server import RedisServer
from tests.runtime.pair import Station
from tests.runtime.world import Store

Build = Callable[[], Awaitable[Station]]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def build(own_redis: RedisServer, store: Store, clock: ManualClock) -> AsyncIterator[Build]:
    """Starts stations 1, 2, 3 ...: none owns anything yet."""
    built: list[Station] = []

    async def start() -> Station:
        station = Station(own_redis.url, len(built) + 1, clock, store)
        built.append(station)
        await station.start()
        return station

    yield start
    store.open.set()
    own_redis.thaw()
    for station in built:
        await station.stop()
