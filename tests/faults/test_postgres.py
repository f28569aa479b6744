"""PostgreSQL dies or freezes while clients write: clean refusals, nothing lost, and all is well without a restart."""

import asyncio
import os
import signal
from random import Random

import aiohttp

from tests.faults.history import Clients, judge
from tests.faults.writing import BACK_SECONDS, family, report, until_written, writing
from tests.running import RunningHouse

ANSWER_SECONDS = 10.0  # the longest that a request may wait for an answer
FROZEN_SECONDS = 7.0


async def kill_postmaster(house: RunningHouse) -> None:
    """Its backends notice, and end too."""
    os.kill(house.postmaster, signal.SIGKILL)


async def kill_backend(house: RunningHouse) -> None:
    """PostgreSQL then ends every other backend and recovers: shared memory may be broken."""
    [row] = await house.sql(
        "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() limit 1"
    )
    os.kill(row["pid"], signal.SIGKILL)


async def test_a_killed_postgresql_is_a_clean_503_and_comes_back_by_itself(
    house: RunningHouse, client: aiohttp.ClientSession
) -> None:
    clients, process = Clients(house, client, Random(1)), house.process.pid
    await clients.settle_in(4)
    back = []
    async with writing(clients):
        for hit in (kill_postmaster, kill_backend) * 2:
            await hit(house)
            await asyncio.sleep(0.05)
            back.append(await house.until_ready(BACK_SECONDS) + await until_written(clients, 50, BACK_SECONDS))
    report("killed", clients, back)
    assert house.process.pid == process and house.process.poll() is None
    assert set(clients.history.refused) <= {503}
    assert clients.history.slowest_seconds < ANSWER_SECONDS
    assert max(back) < BACK_SECONDS
    await judge(house, clients.history)


async def test_a_frozen_postgresql_hangs_nobody(house: RunningHouse, client: aiohttp.ClientSession) -> None:
    clients = Clients(house, client, Random(1))
    await clients.settle_in(4)
    async with writing(clients):
        frozen = family(house.postmaster)
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(FROZEN_SECONDS)
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        back = await house.until_ready(BACK_SECONDS) + await until_written(clients, 50, BACK_SECONDS)
    report("frozen", clients, [back])
    assert set(clients.history.refused) <= {503}
    assert clients.history.slowest_seconds < ANSWER_SECONDS
    assert house.process.poll() is None
    await judge(house, clients.history)
