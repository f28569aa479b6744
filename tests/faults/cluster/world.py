"""A cluster with clients that write to it, and one judgement over everything that they were told."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from random import Random

import aiohttp

from actors.runtime.placement import partition_of
from actors.runtime.placement.rendezvous import winner
from tests.cluster.running import RunningCluster
from tests.conftest import open_folder
from tests.faults.cluster.outcome import tell
from tests.faults.cluster.owners import take_notes, writes_of_strangers
from tests.faults.history import Clients, judge
from tests.faults.writing import until_written, writing
from tests.running import Person, RunningHouse, end

SETTINGS = {
    "POSTHOUSE_LIMITS_ENABLED": "false",
    "POSTHOUSE_AUTH_ACCESS_TOKEN_SECONDS": "86400",
    "POSTHOUSE_QUOTA_MAX_TASKS": "100000000",
}
CLIENTS = 10
PEOPLE = 6
CALM_SECONDS = 30.0
TAKE_OVER_SECONDS = 12.0
PATIENCE = aiohttp.ClientTimeout(total=20)


class World:
    """One history for all that happens to one cluster: marks stay different, and the judgement is over all of it."""

    def __init__(self, house: RunningHouse) -> None:
        self.house = house
        self.clients: Clients

    async def populate(self) -> None:
        """Make people, and begin to note who owns what."""
        async with aiohttp.ClientSession(timeout=PATIENCE) as client:
            self.clients = Clients(self.house, client, Random(1))
            self.clients.people = await self._settlers(client)
        await take_notes(self.house)

    async def _settlers(self, client: aiohttp.ClientSession) -> list[Person]:
        """Register people until as many live in each house: where nobody lives, there is nothing to break."""
        houses = [row["id"] for row in await self.house.sql("select id from house where alive")]
        people: dict[int | None, list[Person]] = {house: [] for house in houses}
        while any(len(some) < PEOPLE // len(houses) for some in people.values()):
            person = await self.house.register(client)
            people[winner(partition_of("inbox", person.id), houses)].append(person)
        return [person for some in people.values() for person in some[: PEOPLE // len(houses)]]

    async def until_settled(self, within_seconds: float = CALM_SECONDS) -> None:
        """Wait until every partition is where it belongs: one that is handed over without Redis is served by nobody."""
        until = time.monotonic() + within_seconds
        while True:
            houses = [row["id"] for row in await self.house.sql("select id from house where alive")]
            owned = await self.house.sql("select p.number, h.id from partition p left join house h using (incarnation)")
            if all(row["id"] == winner(row["number"], houses) for row in owned):
                return
            assert time.monotonic() < until, "partitions still move"
            await asyncio.sleep(0.2)

    @asynccontextmanager
    async def busy(self) -> AsyncIterator["Busy"]:
        """Let clients write; afterwards, with everybody well again, ask anew for whatever was not answered."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=PATIENCE, connector=connector) as client:
            self.clients._client = client
            async with writing(self.clients, CLIENTS, CALM_SECONDS):
                yield Busy(self)
                await until_written(self.clients, 100, CALM_SECONDS)

    async def judge(self, fault: str, **figures: object) -> None:
        """Compare everything that clients were told since the beginning with what is stored."""
        history = self.clients.history
        strangers, looked_at = await writes_of_strangers(self.house)
        found: dict[str, object] = dict(
            acknowledged=len(history.acknowledged), replayed=history.replayed, left=len(history.left),
            refused=dict(history.refused), slowest_seconds=round(history.slowest_seconds, 2), owned_writes=looked_at,
            two_owners=len(strangers), **figures,
        )  # fmt: skip
        print(fault, found)  # noqa: T201 - pytest shows it when what follows fails
        assert strangers == []
        assert looked_at > 0
        await judge(self.house, history)
        tell(fault, **found)
        history.slowest_seconds = 0.0
        history.refused.clear()


class Busy:
    """What happens while clients write."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def everybody_served(self, within_seconds: float) -> float:
        """Wait until each person's own rows can be changed again, wherever they live; returns the seconds."""
        began = time.monotonic()
        waiting = list(self._world.clients.people)
        while waiting:
            waiting = [person for person in waiting if not await self._is_served(person.headers)]
            assert time.monotonic() < began + within_seconds, f"{len(waiting)} people are still not served"
            await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def _is_served(self, headers: dict[str, str]) -> bool:
        world = self._world
        try:
            timeout = aiohttp.ClientTimeout(total=2)
            for path in ("/api/v1/users/me", "/api/v1/notifications/preferences"):
                async with world.clients._client.get(
                    world.house.url + path, headers=headers, timeout=timeout
                ) as answer:
                    if answer.status != 200:
                        return False
        except (aiohttp.ClientError, TimeoutError):
            return False
        return True


@contextmanager
def cluster_world() -> Iterator[World]:
    """A populated cluster of three, for longer than one test."""
    with open_folder() as folder:
        cluster = RunningCluster(folder, SETTINGS)
        world = World(cluster)
        try:
            asyncio.run(cluster.start())
            asyncio.run(world.populate())
            yield world
        finally:
            asyncio.run(end(cluster))
