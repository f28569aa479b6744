"""A house ends at each border of a commit and of its mail, under load: nothing is lost or doubled, wherever it was."""

import asyncio
import signal
import sys
import time
from pathlib import Path
from random import Random

import pytest

from tests.faults.cluster.crashing import POINTS
from tests.faults.cluster.lone import LoneHouses, lone_houses
from tests.faults.cluster.outcome import rounds, summary
from tests.faults.cluster.world import World

CRASHING = Path(__file__).parent / "crashing.py"
NAMES = ("a", "b", "c")
VICTIM = "c"
DIES_SECONDS = 30.0
SERVED_SECONDS = 30.0


@pytest.fixture
def shared(database_dsn: str, redis_url: str) -> dict[str, str]:
    """What the houses share."""
    return {
        "POSTHOUSE_POSTGRES_DSN": database_dsn,
        "POSTHOUSE_REDIS_URL": redis_url,
        "POSTHOUSE_MAILBOX_TRANSPORT": "redis",
        "POSTHOUSE_HTTP_TRUSTED_PROXIES": "127.0.0.1",
        "POSTHOUSE_POSTGRES_POOL_MIN": "2",
        "POSTHOUSE_POSTGRES_POOL_MAX": "8",
    }


async def test_a_house_may_end_at_any_border(data_folder: Path, shared: dict[str, str]) -> None:
    random = Random(7)
    program = {name: [sys.executable, str(CRASHING)] for name in NAMES}
    visited: list[float] = []
    async with lone_houses(data_folder, shared, {name: {} for name in NAMES}, program) as houses:
        world = World(houses)
        await world.populate()
        victim = houses.members[VICTIM]
        async with world.busy() as busy:
            victim.kill()
            for point in [*POINTS * rounds(1, 10), None]:
                if point is not None:
                    visited.append(await ended_at(houses, f"{point}:{random.randrange(30, 120)}"))
                else:
                    victim._environment.pop("FAULT_POINT")
                    await houses.restart(VICTIM)
                await busy.everybody_served(SERVED_SECONDS)
        await world.judge("14: crash at every border", points=len(POINTS), visited=len(visited), ran=summary(visited))


async def ended_at(houses: LoneHouses, fault: str) -> float:
    """Start the victim with a fuse, and wait until that has burnt down; returns the seconds that it lived."""
    victim = houses.members[VICTIM]
    victim._environment["FAULT_POINT"] = fault
    began = time.monotonic()
    await houses.restart(VICTIM)
    until = time.monotonic() + DIES_SECONDS
    while victim.process.poll() is None:
        assert time.monotonic() < until, f"it did not come to {fault}"
        await asyncio.sleep(0.02)
    assert victim.process.returncode == -signal.SIGKILL, fault
    return time.monotonic() - began
