"""Clients that write while something happens, and what has become of it in a line."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.faults.history import Clients

CLIENTS = 16
BACK_SECONDS = 5.0


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
async def writing(clients: Clients, count: int = CLIENTS, within_seconds: float = BACK_SECONDS) -> AsyncIterator[None]:
    """Let clients write in the meantime, whatever the answers are; then repeat what has no answer."""
    clients.gives_up = False
    work = asyncio.create_task(clients.write(count))
    await until_written(clients, 50, within_seconds)
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


def report(what: str, clients: Clients, back: list[float]) -> None:
    """Say what happened; pytest shows it with -s, or when the test fails."""
    history = clients.history
    print(  # noqa: T201
        f"{what}: acknowledged={len(history.acknowledged)} refused={dict(history.refused)} left={len(history.left)} "
        f"replayed={history.replayed} slowest_seconds={history.slowest_seconds:.2f} "
        f"back_seconds={[round(seconds, 2) for seconds in back]}"
    )
