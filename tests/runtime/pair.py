"""Two houses on one loop, with a real Redis between them: one sends, the other owns every entity."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from actors.runtime.clock import ManualClock
from actors.runtime.streams import Streams
from storage.redis.mail import RedisMail
from tests.runtime.conftest import World, make_system
from tests.runtime.world import Counter, Desk, Store

PARTITIONS = 8


class HeldLease:
    """A lease that is held until the test says otherwise."""

    def __init__(self, incarnation: int) -> None:
        self.id = self.incarnation = incarnation
        self.held = True

    def is_held(self) -> bool:
        return self.held


class Plain:
    """A seal that is none: what is sealed can be seen to have been."""

    def close(self, content: bytes, row_id: str) -> bytes:
        return row_id.encode() + content[::-1]

    def open(self, sealed: bytes, row_id: str) -> bytes:
        assert sealed.startswith(row_id.encode())
        return sealed[len(row_id) :][::-1]


class Station:
    """One house: its system and its transport. ``world`` is what its actors touch."""

    def __init__(self, url: str, incarnation: int, clock: ManualClock, store: Store, capacity: int = 300) -> None:
        self.lease = HeldLease(incarnation)
        self.mail = RedisMail(url, f"test-{incarnation}")
        self.streams = Streams(self.mail, self.lease, seal=Plain(), capacity=capacity, partitions=PARTITIONS)
        self.counter, self.desk = Counter(store), Desk()
        self.system = make_system(self.streams, store, self.counter, self.desk, clock)
        self.desk.find = self.system.ref

    async def start(self) -> None:
        await self.streams.start()
        await self.system.start()

    async def stop(self) -> None:
        self.counter.gate.set()
        self.desk.gate.set()
        await self.system.stop(0)
        await self.streams.stop()
        await self.mail.close()

    def own(self, *numbers: int, epoch: int = 1) -> None:
        """Begin to own partitions; all of them when none is named."""
        self.streams.open(dict.fromkeys(numbers or range(PARTITIONS), epoch))

    @property
    def is_open(self) -> bool:
        figures = self.streams.figures()
        return bool(figures["open"] == figures["partitions"])

    @property
    def done(self) -> tuple[Any, ...]:
        """What changes while anything is under way."""
        parts = self.streams.parts
        return parts.post.round_trips, parts.asked.number, len(parts.asked), self.system.waiting, parts.post.is_empty

    async def until_open(self) -> None:
        async with asyncio.timeout(5):
            while not self.is_open:
                await asyncio.sleep(0.005)


class Pair:
    """Both as one `System`, as the contract sees it."""

    def __init__(self, sender: Station, owner: Station) -> None:
        self.sender, self.owner = sender, owner
        self.ref = sender.system.ref

    def tick(self) -> None:
        self.sender.system.tick()
        self.owner.system.tick()

    def statistics(self) -> dict[str, Any]:
        """Of entities where they live, of services where they were asked."""
        there, here = self.owner.system.statistics(), self.sender.system.statistics()
        return there | {"kinds": there["kinds"] | {"desk": here["kinds"]["desk"]}}

    @property
    def waiting(self) -> int:
        return self.sender.system.waiting + self.owner.system.waiting

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """The owner first: what it answers at its end reaches those who asked."""
        await self.owner.system.stop(grace_seconds)
        await settle(self)
        await self.sender.system.stop(0)


async def settle(pair: Pair) -> None:
    """Let everything run that can run without time passing on the systems' clock."""
    calm, before = 0, None
    while calm < 3:
        for _ in range(30):
            await asyncio.sleep(0)
        await asyncio.sleep(0.004)
        now = pair.sender.done, pair.owner.done
        calm = calm + 1 if now == before else 0
        before = now


class RemoteWorld(World):
    """The contract's world: what it sends to entities crosses Redis."""

    pair: Pair

    async def settle(self) -> None:
        await settle(self.pair)


@asynccontextmanager
async def remote_world(url: str) -> AsyncIterator[RemoteWorld]:
    store, clock = Store(), ManualClock()
    sender, owner = Station(url, 1, clock, store), Station(url, 2, clock, store)
    pair = Pair(sender, owner)
    await sender.start()
    await owner.start()
    owner.own()
    await owner.until_open()
    sender.desk.find = sender.system.ref
    world = RemoteWorld(pair, store, owner.counter, sender.desk, clock)  # type: ignore[arg-type]
    world.pair = pair
    try:
        yield world
    finally:
        store.open.set()
        await sender.stop()
        await owner.stop()
