"""What a dead house has not delivered is delivered by the one that adopts its lanes, from where it stood."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from storage.events import EventRow
from storage.house import House
from storage.journal import Journal
from storage.postgres import Database
from storage.relay import Relay
from tests.storage.things import happened, new_id, until


class Following:
    """A living house with its relay, and what it has delivered."""

    def __init__(self, house: House, journal: Journal, relay: Relay) -> None:
        self.house = house
        self.relay = relay
        self.heard: list[int] = []
        self._journal = journal
        relay.add("inbox", {"thing.made"}, self._deliver)

    async def write(self, n: int) -> None:
        """Commit an event."""
        await self._journal.commit(
            lane="thing:1", cause=new_id(), caller=None, events=[happened("thing:1", n)], writes=[]
        )

    async def _deliver(self, rows: Sequence[EventRow]) -> None:
        self.heard += [row.n for row in rows]


@asynccontextmanager
async def living(dsn: str, name: str, adopts: Callable[[int], bool]) -> AsyncIterator[Following]:
    """A house among others; it dies at the end."""
    house = await House.claim(dsn, name, alone=False)
    db, journal = await Database.open(dsn, house.application_name), Journal(dsn, house)
    relay = Relay(db, house, journal.recent, adopts)
    following = Following(house, journal, relay)
    await relay.start()
    try:
        yield following
    finally:
        for part in (relay.stop(), journal.stop(), db.close(), house.release()):
            await part


async def test_lanes_of_the_living_are_left_alone_and_those_of_the_dead_taken_where_they_ended(dsn: str) -> None:
    adopted: set[int] = set()
    async with living(dsn, "heir", adopted.__contains__) as heir, living(dsn, "other", lambda _: False) as other:
        async with living(dsn, "dying", lambda _: False) as dying:
            adopted.add(dying.house.id)
            for n in range(1, 6):
                await dying.write(n)
            await until(lambda: dying.heard == [1, 2, 3, 4, 5])
            await asyncio.sleep(1.2)
            assert heir.heard == []
            dying.relay._consumers[0].stop()  # what follows it will not deliver
            await asyncio.sleep(0.5)
            await dying.write(6)
        await until(lambda: heir.heard == [6])
        await asyncio.sleep(1.2)
        assert (heir.heard, other.heard) == ([6], [])


async def test_who_comes_back_to_life_has_its_lanes_back(dsn: str) -> None:
    async with living(dsn, "heir", lambda _: True) as heir:
        async with living(dsn, "restarted", lambda _: False) as first:
            await first.write(1)
            await until(lambda: first.heard == [1])
        await asyncio.sleep(1.2)
        async with living(dsn, "restarted", lambda _: False) as second:
            await second.write(2)
            await until(lambda: second.heard == [2])
            await asyncio.sleep(1.2)
            second.relay._consumers[0].stop()
            await asyncio.sleep(0.5)
            await second.write(3)
        await until(lambda: heir.heard == [3])
