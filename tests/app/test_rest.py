"""A house at rest: nobody is connected, nothing is to be done, and so nothing wakes its process."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.running import RunningHouse, running_house

ALONE = {"POSTHOUSE_MAILBOX_TRANSPORT": "memory"}
SETTLE_SECONDS = 6.0
"""Until what a start has written has been looked at by everybody who looks only after something was written."""


def waits_of(pid: int) -> Mapping[str, int]:
    """How often each thread of a process has gone to sleep, which is once for each time that it was woken."""
    found = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        lines = (thread / "status").read_text().splitlines()
        [count] = [int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches")]
        found[thread.name] = count
    return found


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="wake-ups are counted by Linux")
async def test_a_house_at_rest_is_woken_less_than_once_a_second(data_folder: Path) -> None:
    async with running_house(data_folder, ALONE) as house:
        await asyncio.sleep(SETTLE_SECONDS)
        before = waits_of(house.process.pid)
        await asyncio.sleep(10)
        after = waits_of(house.process.pid)
    assert sum(after[thread] - before.get(thread, 0) for thread in after) <= 10, (before, after)


async def test_a_house_at_rest_is_late_for_nothing(data_folder: Path) -> None:
    async with running_house(data_folder, ALONE) as house, aiohttp.ClientSession(headers=house.admin) as client:
        await asyncio.sleep(SETTLE_SECONDS)
        began = time.monotonic()
        made = await post(house, client, "tasks", {**TASK, "run_at": (now() + timedelta(seconds=1.5)).isoformat()})
        first = await lease(house, client)
        assert first["id"] == made["id"] and 1.3 <= time.monotonic() - began < 2.5
        began = time.monotonic()
        again = await lease(house, client)  # nobody settles it: its lease of 5 s runs out
        assert again["id"] == made["id"] and 4.5 <= time.monotonic() - began < 6.5


TASK = {"type": "work", "params": {}}


def now() -> datetime:
    return datetime.now(UTC)


async def post(house: RunningHouse, client: aiohttp.ClientSession, path: str, body: Any) -> Any:
    async with client.post(f"{house.url}/api/v1/{path}", json=body) as answer:
        assert answer.status in {200, 201}, await answer.text()
        return await answer.json()


async def lease(house: RunningHouse, client: aiohttp.ClientSession) -> Any:
    """Wait for a task as a worker does."""
    body = {"types": ["work"], "lease_seconds": 5, "wait_seconds": 20}
    [task] = (await post(house, client, "tasks/lease", body))["tasks"]
    return task
