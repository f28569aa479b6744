"""A house is cut off from Redis, from PostgreSQL, from both: others take over, and it writes nothing any more."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from storage.house import LEASE_SECONDS
from storage.postgres_server import PostgresServer
from tests.faults.cluster.asked import asked_everywhere
from tests.faults.cluster.lone import LoneHouses, lone_houses
from tests.faults.cluster.network import Network, is_allowed, network
from tests.faults.cluster.outcome import IS_LONG, rounds
from tests.faults.cluster.world import TAKE_OVER_SECONDS, World
from tests.redis_server import RedisServer, free_port
from tests.running import ROOT

pytestmark = pytest.mark.skipif(not is_allowed(), reason="network namespaces need Linux and root: nobody was cut off")

AWAY_SECONDS = 60.0 if IS_LONG else 14.0  # longer than a lease
FRONT_SECONDS = 4.0  # until a house that answers nothing, or that it is not ready, gets nobody any more
BUSY_SECONDS = 4.0
REFUSED_SECONDS = 1.0
CUTS = [("redis",), ("postgres",), ("postgres", "redis")]
MUTE_SECONDS = 60.0 if IS_LONG else 5.0
ADDRESSES = {"redis": "POSTHOUSE_REDIS_URL", "postgres": "POSTHOUSE_POSTGRES_DSN"}
MUTED = [(cable, inside) for cable in ("redis", "postgres") for inside in (True, False)]


@pytest.fixture
def cables() -> Iterator[Network]:
    with network() as made:
        yield made


@pytest.fixture
def shared(data_folder: Path, cables: Network, own_redis: RedisServer) -> Iterator[dict[str, dict[str, str]]]:
    """PostgreSQL and Redis, reached by the house in the namespace over its cables, by the others as ever."""
    own_redis.kill()
    own_redis.bind = f"127.0.0.1 {cables.here('redis')}"
    own_redis.start()
    server, port = PostgresServer(data_folder / "postgres", durable=False, max_connections=120), free_port()
    try:
        server.start()
        server.stop()
        with (data_folder / "postgres/cluster/pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {cables.there('postgres')}/32 trust\n")
        server._settings |= {"listen_addresses": cables.here("postgres"), "port": str(port)}
        near = {
            "POSTHOUSE_POSTGRES_DSN": f"{server.start()}&port={port}",
            "POSTHOUSE_REDIS_URL": own_redis.url,
            "POSTHOUSE_HTTP_TRUSTED_PROXIES": "127.0.0.1",
        }
        far = {
            "POSTHOUSE_POSTGRES_DSN": f"postgresql://postgres@{cables.here('postgres')}:{port}/postgres",
            "POSTHOUSE_REDIS_URL": f"redis://{cables.here('redis')}:{own_redis.port}/0",
            "POSTHOUSE_HTTP_TRUSTED_PROXIES": cables.here("clients"),
            "POSTHOUSE_HTTP_HOST": cables.there("clients"),
        }
        yield {"near-1": near, "near-2": near, "far": far}
    finally:
        server.stop()


async def test_a_house_that_is_cut_off_loses_nothing_and_writes_nothing_any_more(
    data_folder: Path, shared: dict[str, dict[str, str]], cables: Network
) -> None:
    async with three_houses(data_folder, shared, cables) as houses:
        world = World(houses)
        await world.populate()
        for cut in CUTS * rounds(1, 5):
            served, healed = await cut_off(world, houses, cables, cut)
            await world.judge(
                f"11: cut off from {' and '.join(cut)}", away_seconds=AWAY_SECONDS,
                taken_over_seconds=round(served, 2), whole_again_seconds=round(healed, 2),
            )  # fmt: skip


async def test_a_house_that_is_heard_and_hears_nothing_or_hears_and_is_not_heard_loses_nothing(
    data_folder: Path, shared: dict[str, dict[str, str]], cables: Network
) -> None:
    async with three_houses(data_folder, shared, cables) as houses:
        world = World(houses)
        await world.populate()
        for cable, inside in MUTED * rounds(1, 5):
            server = urlsplit(shared["far"][ADDRESSES[cable]])
            assert server.hostname and server.port
            with cables.mute(cable, inside=inside):
                assert not cables.connects(server.hostname, server.port), "nothing was cut"
            healed = await muted(world, houses, cables, cable, inside=inside)
            way = f"house to {cable}" if inside else f"{cable} to house"
            await world.judge(
                f"11: one way cut, {way}", away_seconds=MUTE_SECONDS, whole_again_seconds=round(healed, 2)
            )


async def muted(world: World, houses: LoneHouses, cables: Network, cable: str, *, inside: bool) -> float:
    """Cut one way of a cable and heal it; a house that was declared dead meanwhile is started again."""
    far = houses.members["far"]
    async with world.busy() as busy:
        with cables.mute(cable, inside=inside):
            await asyncio.sleep(MUTE_SECONDS)
        if cable == "postgres" and MUTE_SECONDS > LEASE_SECONDS:
            await far.ended(time.monotonic())
            assert far.process.returncode == 1, "it does not know that it was declared dead"
            await houses.restart("far")
        return await busy.everybody_served(TAKE_OVER_SECONDS + BUSY_SECONDS)


@asynccontextmanager
async def three_houses(folder: Path, shared: dict[str, dict[str, str]], cables: Network) -> AsyncIterator[LoneHouses]:
    """Two houses that nothing happens to, and one in the namespace."""
    everywhere = {"POSTHOUSE_MAILBOX_TRANSPORT": "redis", "POSTHOUSE_POSTGRES_POOL_MAX": "8"}
    inside = {"far": ["ip", "netns", "exec", cables.name, sys.executable, str(ROOT / "main.py")]}
    async with lone_houses(folder, everywhere, shared, inside) as houses:
        yield houses


async def cut_off(world: World, houses: LoneHouses, cables: Network, cut: tuple[str, ...]) -> tuple[float, float]:
    """Cut, wait until the rest serves everybody where it can, and heal; a house that gave up is started again."""
    async with world.busy() as busy:
        began = time.monotonic()
        with cables.cut(*cut):
            served = 0.0
            if "postgres" in cut:  # its lease runs out, and the others take what it had
                served = await busy.everybody_served(TAKE_OVER_SECONDS + FRONT_SECONDS + BUSY_SECONDS)
            else:
                await asyncio.sleep(2.0)  # until it has noticed
                await says_what_it_cannot_reach(world, houses)
                await busy.everybody_served(TAKE_OVER_SECONDS + FRONT_SECONDS + BUSY_SECONDS)
                served = time.monotonic() - began
                assert served < AWAY_SECONDS, "others have not taken over what it cannot be asked for"
            await asyncio.sleep(max(began + AWAY_SECONDS - time.monotonic(), 0))
        far = houses.members["far"]
        if "postgres" in cut:
            await far.ended(time.monotonic())
            assert far.process.returncode == 1, "it does not know that it was declared dead"
            await houses.restart("far")
        healed = await busy.everybody_served(TAKE_OVER_SECONDS + BUSY_SECONDS)
    return served, healed


async def says_what_it_cannot_reach(world: World, houses: LoneHouses) -> None:
    """The house without Redis serves whom it owns, and refuses the others at once."""
    far = houses.members["far"].url
    async with asked_everywhere(world.clients.people, [far]) as asked:
        await asyncio.sleep(3.0)
    assert asked.statuses[503] > 0 and asked.statuses.keys() <= {200, 503}
    assert asked.slowest_seconds < REFUSED_SECONDS + BUSY_SECONDS
