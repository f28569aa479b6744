"""kill -9 at any moment: nothing acknowledged is lost, nothing takes effect twice, and the house is back within 5 s.

The suite runs 3 rounds of 500 acknowledged writes, ``FAULTS=full`` 10 rounds of 1,000. ``FAULTS_SEED`` sets the seed.
"""

import asyncio
import os
import time
from random import Random

import aiohttp

from tests.faults.history import Clients, judge
from tests.running import RunningHouse

ROUNDS, WRITES = (10, 1_000) if os.environ.get("FAULTS") == "full" else (3, 500)
CLIENTS = 32
BACK_SECONDS = 5.0


async def test_no_acknowledged_write_is_lost_or_doubled_by_kill_9(
    house: RunningHouse, client: aiohttp.ClientSession
) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or Random().randrange(10**6))
    random = Random(seed)
    clients = Clients(house, client, random)
    history = clients.history
    await clients.settle_in(8)
    back: list[float] = []
    for _ in range(ROUNDS):
        await killed_while_writing(house, clients, random)
        back.append(await house.start())
        await clients.repeat_unknown()
        await written(clients, WRITES - (len(history.acknowledged) % WRITES))
    print(  # noqa: T201
        f"seed={seed} acknowledged={len(history.acknowledged)} replayed={history.replayed} left={len(history.left)} "
        f"refused={dict(history.refused)} back_seconds={[round(seconds, 2) for seconds in back]}"
    )
    assert len(history.acknowledged) >= ROUNDS * WRITES
    await judge(house, history)
    assert house.faults() == []
    assert max(back) < BACK_SECONDS


async def killed_while_writing(house: RunningHouse, clients: Clients, random: Random) -> None:
    """Kill the house at a random moment of a round."""
    until = len(clients.history.acknowledged) + random.randrange(WRITES // 2, WRITES)
    writing = asyncio.create_task(clients.write(CLIENTS))
    while len(clients.history.acknowledged) < until and not writing.done():
        await asyncio.sleep(0.001)
    assert not writing.done(), clients.history.bad[:3]
    time.sleep(random.random() * 0.005)  # anywhere between a request and its answer  # noqa: ASYNC251
    house.kill()
    await writing


async def written(clients: Clients, writes: int) -> None:
    """Let so many writes happen undisturbed."""
    until = len(clients.history.acknowledged) + writes
    writing = asyncio.create_task(clients.write(CLIENTS))
    while len(clients.history.acknowledged) < until and not writing.done():
        await asyncio.sleep(0.01)
    clients.stopping = True
    await writing
