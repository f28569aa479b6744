"""Houses die, freeze and are restarted while clients write: nothing lost, nothing twice, never two owners."""

import asyncio
import os
import random
import signal
import time

from tests.cluster.running import RunningCluster
from tests.faults.cluster.outcome import IS_LONG, rounds, summary
from tests.faults.cluster.world import TAKE_OVER_SECONDS, World

MARGIN_SECONDS = 3.0  # for a busy machine: to notice, and to start anew
FROZEN_SECONDS = 30.0 if IS_LONG else 15.0  # for longer than a lease


async def test_kill_9_of_a_house_loses_nothing_and_is_over_within_a_lease(
    world: World, cluster: RunningCluster
) -> None:
    served: list[float] = []
    back: list[float] = []
    async with world.busy() as busy:
        for _ in range(rounds(3, 50)):
            name = random.choice(sorted(cluster.houses))
            time.sleep(random.random() * 0.005)  # anywhere between a request and its answer  # noqa: ASYNC251
            pid = cluster.signal(name, signal.SIGKILL)
            served.append(await busy.everybody_served(TAKE_OVER_SECONDS + MARGIN_SECONDS))
            back.append(await cluster.until_back(name, pid))
            await asyncio.sleep(0.5)
    await world.judge(
        "1, 2: kill -9 of one of three",
        rounds=len(back),
        served_again_seconds=summary(served),
        house_back_seconds=summary(back),
    )


async def test_a_house_that_was_frozen_for_longer_than_its_lease_writes_nothing_any_more(
    world: World, cluster: RunningCluster
) -> None:
    served: list[float] = []
    gone: list[float] = []
    for _ in range(rounds(1, 10)):
        async with world.busy() as busy:
            name = random.choice(sorted(cluster.houses))
            pid = cluster.signal(name, signal.SIGSTOP)
            began = time.monotonic()
            try:
                served.append(await busy.everybody_served(TAKE_OVER_SECONDS + 6 + MARGIN_SECONDS))
                await asyncio.sleep(max(began + FROZEN_SECONDS - time.monotonic(), 0))
            finally:
                os.kill(pid, signal.SIGCONT)
            gone.append(await cluster.until_back(name, pid))
        lost = [line for line in cluster.log_of(name) if line["event"] == "house_lost"]
        assert lost, "the house does not know that it was declared dead"
    await world.judge(
        "4: frozen beyond its lease",
        rounds=len(gone),
        frozen_seconds=FROZEN_SECONDS,
        served_again_seconds=summary(served),
        restarted_seconds=summary(gone),
    )


async def test_a_rolling_restart_turns_away_next_to_nobody(world: World, cluster: RunningCluster) -> None:
    before = len(world.clients.history.acknowledged)
    longest = 0.0
    async with world.busy() as busy:
        for _ in range(rounds(1, 20)):
            for name in sorted(cluster.houses):
                pid = cluster.signal(name, signal.SIGTERM)
                longest = max(longest, await busy.everybody_served(TAKE_OVER_SECONDS))
                await cluster.until_back(name, pid)
                await cluster.until_all_ready()
    history = world.clients.history
    served, refused = len(history.acknowledged) - before, sum(history.refused.values())
    await world.judge(
        "3: rolling restart",
        rounds=rounds(1, 20),
        turned_away=f"{refused / (served + refused):.3%}",
        longest_seconds=round(longest, 2),
    )
    assert {line["code"] for line in cluster.lines("house_died")[-3:]} == {0}
    assert refused <= 0.01 * served
