"""Houses that share entities, as far as the runtime goes: real leases, a real Redis, counters instead of nouns."""

import asyncio
from collections.abc import Callable, Sequence

from actors.runtime.clock import SystemClock
from actors.runtime.message import SYSTEM
from actors.runtime.placement import Placement
from actors.runtime.placement.rendezvous import share
from actors.runtime.streams import Streams
from storage.house import House
from storage.placement import PlacementStore
from storage.postgres import Database
from storage.redis.mail import RedisMail
from tests.runtime.conftest import make_system
from tests.runtime.world import Add, Counter, Desk, Get, Store

KEYS = [f"k{number}" for number in range(200)]


class Homestead:
    """One house. ``store`` is what all houses share in place of a database of counters."""

    def __init__(self, dsn: str, url: str, name: str, store: Store) -> None:
        self.dsn, self.url, self.name, self.store = dsn, url, name, store
        self.counter = Counter(store)

    async def start(self, start_seconds: float = 0.0) -> "Homestead":
        """Begin a life; between its first word and its first look it takes at least ``start_seconds``."""
        self.row = await House.claim(self.dsn, self.name, alone=False)
        await asyncio.sleep(start_seconds)
        self.database = await Database.open(self.dsn, self.row.application_name, pool_size=4)
        self.mail = RedisMail(self.url, self.name)
        self.streams = Streams(self.mail, self.row)
        desk = Desk()
        self.system = make_system(self.streams, self.store, self.counter, desk, SystemClock())
        desk.find = self.system.ref
        await self.streams.start()
        await self.system.start()
        self.row.heard_seconds_ago = self.streams.heard_seconds_ago
        self.placement = Placement(PlacementStore(self.database, self.row), self.row, self.streams)
        self.streams.parts.on_moved = self.placement.wake
        self._placing = asyncio.create_task(self.placement.run())
        return self

    async def stop(self) -> None:
        """Stop in order."""
        await self.placement.leave()
        self._placing.cancel()
        await self.system.stop(1)
        await self.streams.stop()
        await self.mail.close()
        await self.database.close()
        await self.row.release()

    async def kill(self) -> None:
        """End it as kill -9 would: nothing is said to anybody."""
        assert self.row._task is not None and self.row._connection is not None
        tasks = [self.row._task, self._placing, *self.streams._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.row._connection.terminate()
        self.database._pool.terminate()
        await self.mail.close()
        self.system.limit = -1

    async def add(self, key: str, by: int = 1) -> int:
        value: int = await self.system.ref("counter", key).ask(Add(by=by), SYSTEM)
        return value

    async def get(self, key: str) -> int:
        value: int = await self.system.ref("counter", key).ask(Get(), SYSTEM)
        return value

    @property
    def owned(self) -> set[int]:
        """The partitions whose mail goes to actors of this house."""
        return {mine.number for mine in self.streams.parts.owned if mine is not None and mine.is_open}


def owners(houses: Sequence[Homestead]) -> dict[int, str]:
    """Partition -> house; nobody shares one."""
    found: dict[int, str] = {}
    for house in houses:
        for number in house.owned:
            assert number not in found, f"{number} is at work in {found[number]} and {house.name}"
            found[number] = house.name
    return found


async def until_shared(houses: Sequence[Homestead], within_seconds: float) -> float:
    """Wait until every partition is at work somewhere; return the seconds that it took."""
    return await _until(lambda: len(owners(houses)) == 256, houses, within_seconds)


async def until_settled(houses: Sequence[Homestead], within_seconds: float) -> float:
    """Wait until every house owns what it should."""
    return await _until(lambda: are_settled(houses), houses, within_seconds)


def are_settled(houses: Sequence[Homestead]) -> bool:
    """Whether every house owns what it should."""
    wanted, found = share(256, [house.row.id for house in houses]), owners(houses)
    ids = {house.name: house.row.id for house in houses}
    return {number: ids[name] for number, name in found.items()} == wanted


async def _until(is_so: Callable[[], bool], houses: Sequence[Homestead], within_seconds: float) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not is_so():
        shared = {house.name: len(house.owned) for house in houses}
        assert loop.time() < began + within_seconds, f"after {within_seconds} s: {shared}"
        await asyncio.sleep(0.01)
    return loop.time() - began
