"""A worker that waits in one house is woken by what another has made due."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actors.task.settings import TaskSettings
from tests.many.house import ManyHouses, Person, open_houses

SLOW = TaskSettings(sweep_seconds=20)


@pytest.fixture
async def houses(database_dsn: str, redis_url: str, data_folder: Path) -> AsyncIterator[ManyHouses]:
    """Two houses whose sweeps come too late for these tests."""
    async with open_houses(database_dsn, redis_url, data_folder, task=SLOW) as houses:
        yield houses


async def create(houses: ManyHouses, number: int, who: Person, kind: str) -> str:
    """Make a task in a house."""
    made = await houses[number].call("POST", "/tasks", who.token, {"type": kind, "params": {}}, expect=201)
    task_id: str = made["id"]
    return task_id


async def lease(houses: ManyHouses, number: int, key: str, kind: str) -> tuple[list[str], float]:
    """Wait for a task in a house; what came, and when."""
    body: Any = {"types": [kind], "lease_seconds": 30, "wait_seconds": 10}
    said = await houses[number].call("POST", "/tasks/lease", key, body)
    return [task["id"] for task in said["tasks"]], time.monotonic()


async def worker(houses: ManyHouses) -> str:
    """A key for workers."""
    root = await houses[0].person("root", "super_admin")
    made = await houses[0].call("POST", "/api-keys", root.token, {"name": "w", "scopes": ["worker"]}, expect=201)
    key: str = made["key"]
    return key


async def test_a_task_of_one_house_wakes_a_worker_in_the_other_at_once(houses: ManyHouses) -> None:
    key, ada = await worker(houses), await houses[0].person("ada")
    waiting = asyncio.create_task(lease(houses, 1, key, "far"))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    made = await create(houses, 0, ada, "far")
    found, at = await waiting
    assert found == [made]
    assert at - began < 0.5


async def test_each_of_many_tasks_finds_its_worker_wherever_it_waits(houses: ManyHouses) -> None:
    key, ada = await worker(houses), await houses[0].person("ada")
    waiting = [asyncio.create_task(lease(houses, number % 2, key, "many")) for number in range(10)]
    await asyncio.sleep(0.3)
    made = [await create(houses, 0, ada, "many") for _ in range(10)]
    found = [await each for each in waiting]
    assert sorted(task for tasks, _ in found for task in tasks) == sorted(made)
    assert max(at for _, at in found) - min(at for _, at in found) < 2


async def test_what_is_taken_here_is_told_to_nobody(houses: ManyHouses) -> None:
    key, ada = await worker(houses), await houses[0].person("ada")
    told: list[str] = []
    bells = houses[0].house._core.kinds.bell.elsewhere
    assert bells is not None
    bells._pubsub.publish = lambda channel, _: told.append(channel)  # type: ignore[attr-defined]
    waiting = asyncio.create_task(lease(houses, 0, key, "near"))
    await asyncio.sleep(0.2)
    made = await create(houses, 0, ada, "near")
    assert (await waiting)[0] == [made]
    assert "bell:near" not in told
    await create(houses, 0, ada, "near")
    assert "bell:near" in told
