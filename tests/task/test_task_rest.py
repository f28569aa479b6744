"""Where a house is alone nobody asks PostgreSQL again and again what is due, and nothing is late for that."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from actors.runtime.clock import SystemClock
from actors.runtime.looks import Looks
from actors.runtime.message import Caller
from actors.task.settings import TaskSettings
from actors.task.sweeping import Sweeper
from storage.journal import Journal
from storage.task import TaskStore
from tests.task.house import TaskHouse

SOON_SECONDS = 0.1


class CountedStore(TaskStore):
    """Counts the looks."""

    looks = 0

    async def get_next_due_seconds(self, now: datetime) -> float | None:
        self.looks += 1
        return await super().get_next_due_seconds(now)


@asynccontextmanager
async def resting(house: TaskHouse) -> AsyncIterator[CountedStore]:
    """A sweeper that would look once a minute, and has just looked."""
    store, looks = CountedStore(house.database), Looks(SOON_SECONDS, 60.0)
    journal = house.system.journal
    assert isinstance(journal, Journal)
    journal.listen(looks.stir)
    settings = TaskSettings(sweep_seconds=SOON_SECONDS)
    sweeper = Sweeper(
        store=store, ref=house.system.ref, bell=house.bell, clock=SystemClock(), settings=settings, looks=looks
    )
    sweeping = asyncio.create_task(sweeper.run())
    await asyncio.sleep(3 * SOON_SECONDS)
    yield store
    assert not sweeping.done()
    sweeping.cancel()


async def test_while_nothing_is_written_nobody_looks(house: TaskHouse, ada: Caller) -> None:
    await house.create(ada)
    async with resting(house) as store:
        await asyncio.sleep(10 * SOON_SECONDS)
        assert store.looks <= 2


async def waits(house: TaskHouse) -> float:
    """How long a worker waits until it has a task."""
    began = time.monotonic()
    assert len(await house.lease(wait_seconds=20)) == 1
    return time.monotonic() - began


async def test_a_task_for_later_is_leased_when_its_time_has_come(house: TaskHouse, ada: Caller) -> None:
    async with resting(house):
        await house.create(ada, run_at=datetime.now(UTC) + timedelta(seconds=1.5))
        assert 1.3 <= await waits(house) < 2.0


async def test_a_lease_that_runs_out_is_swept_in_time(house: TaskHouse, ada: Caller) -> None:
    async with resting(house):
        await house.create(ada)
        await house.lease_one(lease_seconds=5)
        assert 4.5 <= await waits(house) < 6.0


async def test_what_was_set_before_a_restart_is_due_in_time(house: TaskHouse, ada: Caller) -> None:
    await house.create(ada, run_at=datetime.now(UTC) + timedelta(seconds=1.5))
    async with resting(house):
        assert 0.8 <= await waits(house) < 2.0


async def test_nobody_looks_again_and_again_at_what_is_far_away(house: TaskHouse, ada: Caller) -> None:
    await house.create(ada, run_at=datetime.now(UTC) + timedelta(hours=1))
    async with resting(house) as store:
        await asyncio.sleep(10 * SOON_SECONDS)
        assert store.looks <= 2
