"""Redis fails over to a replica that had not got everything: mail is lost, and mail is there again that was done."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.running import RunningCluster, running_cluster
from tests.faults.cluster.outcome import rounds, summary
from tests.faults.cluster.replicated import Replicated, replicated
from tests.faults.cluster.world import PEOPLE, SETTINGS, World
from tests.faults.history import avatar, preferences
from tests.faults.writing import until_written
from tests.forwarder import forwarding

WHOLE_SECONDS = 10.0
PILE_SECONDS = 0.5  # in which mail for a house that stands still piles up, if any comes
MAIL_SECONDS = 20.0
WRITES_LOST = 50  # acknowledged while nothing was copied
CLEARED_SECONDS = 15.0


@pytest.fixture
def redis() -> Iterator[Replicated]:
    with replicated() as made:
        yield made


async def test_a_replica_that_lags_behind_is_promoted(data_folder: Path, redis: Replicated) -> None:
    served: list[float] = []
    bytes_lost: list[int] = []
    old_mail: list[int] = []
    async with forwarding(redis.primary.port) as address:
        where = {"POSTHOUSE_REDIS_URL": f"redis://127.0.0.1:{address.port}/0"}
        async with running_cluster(data_folder, SETTINGS | where) as cluster:
            world = World(cluster)
            await world.populate()
            world.clients.changes = [avatar, preferences] * (PEOPLE // 2)  # mail that must not be done twice
            async with world.busy() as busy:
                for _ in range(rounds(3, 20)):
                    await redis.copy()
                    await part_while_mail_lies_there(redis, cluster)
                    await until_written(world.clients, WRITES_LOST, WHOLE_SECONDS)
                    bytes_lost.append(await redis.promote())
                    old_mail.append(await redis.mail())
                    address.target = redis.primary.port
                    served.append(await busy.everybody_served(WHOLE_SECONDS))
            cleared = await until_cleared(redis)
            await world.judge(
                "8: a lagging replica promoted", rounds=len(served), served_again_seconds=summary(served),
                bytes_never_copied=sum(bytes_lost), old_mail_back=sum(old_mail), cleared_seconds=round(cleared, 2),
            )  # fmt: skip
    assert min(bytes_lost) > 0, "nothing was lost: this shows nothing"
    assert sum(old_mail) > 0, "nothing came back that was done before: this shows half of it"


async def part_while_mail_lies_there(redis: Replicated, cluster: RunningCluster) -> None:
    """Let a house stand still until mail for it lies in Redis, cut the replica off, and let the house go on."""
    async with asyncio.timeout(MAIL_SECONDS):
        while True:
            pid = cluster.signal(random.choice(sorted(cluster.houses)), signal.SIGSTOP)
            try:
                await asyncio.sleep(PILE_SECONDS)
                if await redis.mail():
                    await redis.part()
                    return
            finally:
                os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(PILE_SECONDS)


async def until_cleared(redis: Replicated) -> float:
    """Wait until nothing lies in the mailboxes any more: what came back has been passed over."""
    began = time.monotonic()
    while left := await redis.mail():
        assert time.monotonic() < began + CLEARED_SECONDS, f"{left} messages lie there, and nobody takes them"
        await asyncio.sleep(0.2)
    return time.monotonic() - began
