"""PostgreSQL dies or freezes while clients write: clean refusals, nothing lost, and all is well without a restart."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import aiohttp

from tests.faults.history import Clients, judge
from tests.running import RunningHouse

CLIENTS = 16
BACK_SECONDS = 5.0
ANSWER_SECONDS = 10.0  # the longest that a request may wait for an answer
FROZEN_SECONDS = 7.0


def family(pid: int) -> list[int]:
    """A process and its children: backends of PostgreSQL are in groups of their own."""
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*") if _parent(path) == pid]
    return [pid, *pids]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has just ended
        return 0


@asynccontextmanager
async def writing(clients: Clients) -> AsyncIterator[None]:
    """Let clients write in the meantime, whatever the answers are; then repeat what has no answer."""
    clients.gives_up = False
    work = asyncio.create_task(clients.write(CLIENTS))
    await until_written(clients, 50, BACK_SECONDS)
    try:
        yield
    finally:
        clients.stopping = True
        await work
    await clients.repeat_unknown()


async def until_written(clients: Clients, writes: int, within_seconds: float) -> float:
    """Wait for so many more acknowledged writes; returns the seconds that they took."""
    began, until = time.monotonic(), len(clients.history.acknowledged) + writes
    while len(clients.history.acknowledged) < until:
        assert time.monotonic() < began + within_seconds, clients.history.refused
        await asyncio.sleep(0.01)
    return time.monotonic() - began


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


def report(what: str, clients: Clients, back: list[float]) -> None:
    """Say what happened; pytest shows it with -s, or when the test fails."""
    history = clients.history
    print(  # noqa: T201
        f"{what}: acknowledged={len(history.acknowledged)} refused={dict(history.refused)} left={len(history.left)} "
        f"replayed={history.replayed} slowest_seconds={history.slowest_seconds:.2f} "
        f"back_seconds={[round(seconds, 2) for seconds in back]}"
    )
