"""Redis and PostgreSQL die, lose everything, or stand still: clean refusals, nothing lost, and whole again in time."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from storage.redis.connect import open_commands
from tests.cluster.running import RunningCluster
from tests.faults.cluster.asked import asked_everywhere
from tests.faults.cluster.outcome import IS_LONG, rounds, summary
from tests.faults.cluster.world import World
from tests.faults.writing import family

BACK_SECONDS = 5.0
WHOLE_SECONDS = 2.0
REFUSED_SECONDS = 1.0
BUSY_SECONDS = 2.0  # what a machine that is busy with everything at once may add
REDIS_AWAY_SECONDS = 60.0 if IS_LONG else 5.0
POSTGRES_AWAY_SECONDS = 60.0 if IS_LONG else 5.0


def redis_of(cluster: RunningCluster) -> int:
    """The process of its Redis."""
    [server] = [one for one in psutil.Process(cluster.process.pid).children() if one.name().startswith("redis-server")]
    return server.pid


@contextmanager
def standing_still(pids: list[int]) -> Iterator[None]:
    """Processes that answer nothing, and do not know it."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def test_a_killed_redis_is_back_with_what_it_held(world: World, cluster: RunningCluster) -> None:
    served = []
    async with world.busy() as busy:
        for _ in range(rounds(2, 20)):
            os.kill(redis_of(cluster), signal.SIGKILL)
            served.append(await busy.everybody_served(BACK_SECONDS + BUSY_SECONDS))
            await asyncio.sleep(0.5)
    assert len(cluster.lines("server_restarted")) >= len(served)
    await world.judge("5: kill -9 of Redis", rounds=len(served), served_again_seconds=summary(served))


async def test_a_redis_that_was_emptied_has_cost_mail_and_nothing_else(world: World, cluster: RunningCluster) -> None:
    served = []
    url = f"unix://{cluster.data}/redis/run/redis.sock"
    async with world.busy() as busy:
        for _ in range(rounds(3, 20)):
            client = open_commands(url, "fault")
            await client.flushall()
            await client.aclose()
            served.append(await busy.everybody_served(BACK_SECONDS + BUSY_SECONDS))
            await asyncio.sleep(0.5)
    await world.judge("6: Redis emptied", rounds=len(served), served_again_seconds=summary(served))


async def test_without_redis_what_lives_elsewhere_is_refused_within_a_second(
    world: World, cluster: RunningCluster
) -> None:
    urls = [house.url for house in cluster.houses.values()]
    await world.until_settled()
    async with world.busy() as busy:
        with standing_still([redis_of(cluster)]):
            await asyncio.sleep(1.5)  # until every house has noticed
            async with asked_everywhere(world.clients.people, urls) as asked:
                await asyncio.sleep(REDIS_AWAY_SECONDS - 1.5)
        whole = await busy.everybody_served(WHOLE_SECONDS + BUSY_SECONDS)
    await world.judge(
        "7: Redis gone", away_seconds=REDIS_AWAY_SECONDS, asked=dict(asked.statuses),
        slowest_refusal_seconds=round(asked.slowest_seconds, 2), whole_again_seconds=round(whole, 2),
    )  # fmt: skip
    assert asked.statuses.keys() == {200, 503}
    assert {person: len(houses) for person, houses in asked.served.items()} == {
        person.id: 1 for person in world.clients.people
    }, "everybody is served by the one house where they live"
    assert asked.slowest_seconds < REFUSED_SECONDS + BUSY_SECONDS


async def test_a_killed_postgresql_is_back_and_so_is_everybody(world: World, cluster: RunningCluster) -> None:
    served = []
    async with world.busy() as busy:
        for _ in range(rounds(2, 20)):
            os.kill(cluster.postmaster, signal.SIGKILL)
            await asyncio.sleep(0.1)
            served.append(await busy.everybody_served(2 * BACK_SECONDS + BUSY_SECONDS))
            await cluster.until_all_ready()
    await world.judge("9: kill -9 of PostgreSQL", rounds=len(served), served_again_seconds=summary(served))


async def test_a_frozen_postgresql_hangs_nobody(world: World, cluster: RunningCluster) -> None:
    async with world.busy() as busy:
        with standing_still(family(cluster.postmaster)):
            await asyncio.sleep(POSTGRES_AWAY_SECONDS)
        served = await busy.everybody_served(2 * BACK_SECONDS + BUSY_SECONDS)
        await cluster.until_all_ready()
    slowest = world.clients.history.slowest_seconds
    await world.judge(
        "10: PostgreSQL frozen", frozen_seconds=POSTGRES_AWAY_SECONDS, served_again_seconds=round(served, 2)
    )
    assert slowest < 10.0 + BUSY_SECONDS
