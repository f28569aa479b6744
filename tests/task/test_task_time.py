"""What time alone does: lost leases, time limits, tasks for later."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from actors.errors import Conflict
from actors.messages.task import SweepTasks
from actors.runtime.message import SYSTEM, Caller
from tests.task.house import TaskHouse


async def test_a_lost_lease_returns_the_task_and_the_attempt_stays_counted(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada)
    leased = await house.lease_one()
    await house.lose_lease(task["id"])

    await house.sweeper.look()

    back = await house.get(task["id"])
    assert (back["status"], back["attempt"], back["error"]["code"]) == ("pending", 1, "worker_lost")
    with pytest.raises(Conflict):
        await house.complete(leased)
    assert (await house.lease_one())["attempt"] == 2
    events = await house.events(task["id"])
    assert [(n, kind) for n, kind, _ in events] == [
        (1, "task.created"), (2, "task.started"), (3, "task.failed"), (4, "task.started"),
    ]  # fmt: skip
    assert events[2][2]["will_retry"] is True


async def test_three_lost_leases_in_a_row_fail_the_task(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada, max_attempts=10)
    for lost in (1, 2, 3):
        await house.lease_one()
        await house.lose_lease(task["id"])
        await house.sweeper.look()
        assert (await house.get(task["id"]))["status"] == ("failed" if lost == 3 else "pending")

    dead = await house.get(task["id"])
    assert dead["error"]["code"] == "worker_lost" and dead["finished_at"] is not None and dead["attempt"] == 3


async def test_lost_leases_count_only_in_a_row(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada, max_attempts=10)
    for is_lost in (True, True, False, True, True):
        leased = await house.lease_one()
        if is_lost:
            await house.lose_lease(task["id"])
            await house.sweeper.look()
        else:
            await house.fail(leased)
            await house.due(task["id"])

    assert (await house.get(task["id"]))["status"] == "pending"


async def test_a_lost_lease_of_the_last_attempt_fails_the_task(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada, max_attempts=1)
    await house.lease_one()
    await house.lose_lease(task["id"])

    await house.sweeper.look()

    assert (await house.get(task["id"]))["status"] == "failed"


async def test_an_attempt_that_runs_too_long_fails_with_timeout_and_backs_off(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada, timeout_seconds=5, max_attempts=2)
    leased = await house.lease_one(lease_seconds=60)
    await house.sql("update task set started_at = now() - interval '6 s'")
    await house.progress(leased, 50)

    await house.sweeper.look()

    late = await house.get(task["id"])
    assert (late["status"], late["error"]["code"]) == ("pending", "timeout")
    assert datetime.fromisoformat(late["run_at"]) > datetime.now(UTC) + timedelta(seconds=0.5)
    assert await house.lease() == []
    with pytest.raises(Conflict):
        await house.complete(leased)

    await house.due(task["id"])
    await house.lease_one(lease_seconds=60)
    await house.sql("update task set started_at = now() - interval '6 s'")
    await house.sweeper.look()
    assert (await house.get(task["id"]))["status"] == "failed"


async def test_a_task_for_later_is_leased_when_its_time_has_come(house: TaskHouse, ada: Caller) -> None:
    sweeping = asyncio.create_task(house.sweeper.run())
    waiting = asyncio.create_task(house.lease(wait_seconds=10))
    await asyncio.sleep(0.1)
    due = datetime.now(UTC) + timedelta(seconds=1.5)
    await house.create(ada, run_at=due)

    [leased] = await waiting

    late = datetime.now(UTC) - due
    assert timedelta(0) <= late < timedelta(seconds=1.1)
    assert [kind for _, kind, _ in await house.events(leased["id"])] == ["task.created", "task.started"]
    sweeping.cancel()


async def test_a_failed_attempt_is_tried_again_by_a_worker_that_waits(house: TaskHouse, ada: Caller) -> None:
    sweeping = asyncio.create_task(house.sweeper.run())
    await house.create(ada)
    await house.fail(await house.lease_one())
    before = time.perf_counter()

    [again] = await house.lease(wait_seconds=10)

    assert again["attempt"] == 2
    assert 0.9 <= time.perf_counter() - before < 2.5
    sweeping.cancel()


async def test_the_sweep_knows_when_something_is_due_next(house: TaskHouse, ada: Caller) -> None:
    now = datetime.now(UTC)
    assert await house.store.get_next_due_seconds(now) is None
    await house.create(ada, run_at=now + timedelta(seconds=50))
    assert await house.store.get_next_due_seconds(now) == pytest.approx(50, abs=0.1)
    await house.create(ada, timeout_seconds=20)
    await house.lease_one(lease_seconds=3_600)
    assert await house.store.get_next_due_seconds(datetime.now(UTC)) == pytest.approx(20, abs=1)
    await house.sql("update task set lease_expires_at = now() + interval '7 s' where status = 'running'")
    assert await house.store.get_next_due_seconds(datetime.now(UTC)) == pytest.approx(7, abs=1)
    assert await house.sweeper.look() == pytest.approx(7, abs=1)


async def test_a_sweep_with_nothing_to_do_writes_nothing(house: TaskHouse, ada: Caller) -> None:
    await house.create(ada)
    await house.lease_one()

    assert await house.ask(SweepTasks(), SYSTEM) == 0

    [row] = await house.sql("select count(*) from event")
    assert row["count"] == 2
