"""The states of a task, and who may move it from one to another."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from actors.errors import Conflict, NotFound
from actors.messages.task import CancelTask, CreateTask, GetTask, ProgressTask, RetryTask, Task
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from tests.task.house import WORKER, TaskHouse, shown

FIELDS = [
    "id", "type", "params", "status", "priority", "progress", "result", "error", "attempt", "max_attempts",
    "unique_key", "run_at", "created_at", "started_at", "finished_at",
]  # fmt: skip


async def test_a_new_task_has_the_promised_form(house: TaskHouse, ada: Caller) -> None:
    reply = await house.ask(CreateTask(type="work", params={"b": 1, "a": [None, "ä"]}), ada)

    task = shown(reply)
    assert reply.made
    assert list(task) == FIELDS
    assert task["status"] == "pending" and task["params"] == {"b": 1, "a": [None, "ä"]}
    assert task["progress"] == {"percent": 0, "phase": None, "message": None, "updated_at": None}
    assert (task["priority"], task["attempt"], task["max_attempts"]) == (5, 0, 3)
    decoded = msgspec.json.decode(reply.json, type=Task)
    assert abs(datetime.now(UTC) - decoded.created_at) < timedelta(seconds=5)
    assert await house.get(task["id"], ada) == task


async def test_a_task_goes_from_pending_through_running_to_completed(house: TaskHouse, ada: Caller) -> None:
    created = await house.create(ada)

    leased = await house.lease_one(lease_seconds=60)
    assert leased["id"] == created["id"] and leased["status"] == "running" and leased["attempt"] == 1
    assert leased["user_id"] == ada.user_id
    left = datetime.fromisoformat(leased["lease_expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=55) < left < timedelta(seconds=61)

    taken = await house.progress(leased, 40, phase="upscaling", message="tile 1")
    assert not taken.cancelled
    assert (await house.get(created["id"]))["progress"]["percent"] == 40

    done = await house.complete(leased, {"file": "f"})
    assert done["status"] == "completed" and done["result"] == {"file": "f"} and done["progress"]["percent"] == 100
    assert done["finished_at"] >= done["started_at"]
    assert await house.get(created["id"], ada) == done


async def test_stored_events_publications_and_answers_are_the_same_bytes(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada)
    leased = await house.lease_one()
    await house.progress(leased, 10)
    await house.progress(leased, 10)
    await house.progress(leased, 10, phase="b")
    done = await house.complete(leased, [1])

    rows = await house.sql(
        "select n, type, body, at, caller from event where stream = $1 order by n", f"task:{task['id']}"
    )
    assert [(row["n"], row["body"].encode()) for row in rows] == [(e.n, e.body) for e in house.heard.events]
    assert [row["type"] for row in rows] == [
        "task.created", "task.started", "task.progressed", "task.progressed", "task.completed",
    ]  # fmt: skip
    assert [row["n"] for row in rows] == [1, 2, 3, 4, 5]
    bodies = [msgspec.json.decode(row["body"]) for row in rows]
    assert all(body["type"] == row["type"] for body, row in zip(bodies, rows, strict=True))
    assert all(datetime.fromisoformat(body["at"]) == row["at"] for body, row in zip(bodies, rows, strict=True))
    assert bodies[3]["task_id"] == task["id"] and bodies[3]["progress"]["phase"] == "b"
    assert bodies[4]["task"] == done and bodies[0]["task"] == task


async def test_a_stale_lease_changes_nothing(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada)
    leased = await house.lease_one()
    before = await house.get(task["id"])

    for stale in (uuid7(), WORKER.user_id):
        with pytest.raises(Conflict) as caught:
            await house.complete({**leased, "lease": stale}, "wrong")
        assert caught.value.extra == {"from": "running", "to": "completed"}
        with pytest.raises(Conflict):
            await house.fail({**leased, "lease": stale})
        with pytest.raises(Conflict):
            await house.progress({**leased, "lease": stale}, 50)

    assert await house.get(task["id"]) == before
    await house.complete(leased)
    with pytest.raises(Conflict) as caught:
        await house.complete(leased, "twice")
    assert caught.value.extra == {"from": "completed", "to": "completed"}


async def test_a_lease_that_ran_out_counts_no_more_even_before_it_is_swept(house: TaskHouse, ada: Caller) -> None:
    await house.create(ada)
    leased = await house.lease_one()
    await house.lose_lease(leased["id"])

    with pytest.raises(Conflict):
        await house.complete(leased)
    with pytest.raises(Conflict):
        await house.progress(leased, 1)


async def test_of_many_who_complete_with_one_lease_exactly_one_does(house: TaskHouse, ada: Caller) -> None:
    await house.create(ada)
    leased = await house.lease_one()

    answers = await asyncio.gather(*(house.complete(leased, i) for i in range(20)), return_exceptions=True)

    [won] = [answer for answer in answers if isinstance(answer, dict)]
    assert sum(isinstance(answer, Conflict) for answer in answers) == 19
    assert (await house.get(leased["id"]))["result"] == won["result"]


async def test_a_failed_attempt_is_followed_by_another_after_a_growing_delay(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada, max_attempts=4)
    delays = []
    for attempt in (1, 2, 3):
        leased = await house.lease_one()
        assert leased["attempt"] == attempt
        before = datetime.now(UTC)
        failed = await house.fail(leased)
        assert failed["status"] == "pending" and failed["error"] == {"code": "broken", "message": "it broke"}
        delays.append((datetime.fromisoformat(failed["run_at"]) - before).total_seconds())
        assert await house.lease() == []
        await house.due(task["id"])
    assert all(base <= delay <= base * 1.25 + 0.5 for base, delay in zip((1, 2, 4), delays, strict=True))

    dead = await house.fail(await house.lease_one())
    assert dead["status"] == "failed" and dead["finished_at"] is not None
    retried = [body["will_retry"] for _, kind, body in await house.events(task["id"]) if kind == "task.failed"]
    assert retried == [True, True, True, False]


async def test_the_delay_is_never_over_100_seconds(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada, max_attempts=20)
    await house.sql("update task set attempt = 15 where id = $1", task["id"])
    before = datetime.now(UTC)

    failed = await house.fail(await house.lease_one())

    assert datetime.fromisoformat(failed["run_at"]) - before < timedelta(seconds=101)


async def test_a_failure_that_asks_for_no_retry_is_final(house: TaskHouse, ada: Caller) -> None:
    await house.create(ada, max_attempts=20)

    assert (await house.fail(await house.lease_one(), retry=False))["status"] == "failed"


async def test_a_pending_task_is_cancelled_at_once(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada)

    cancelled = shown(await house.ask(CancelTask(task_id=task["id"]), ada))

    assert cancelled["status"] == "cancelled" and cancelled["finished_at"] is not None
    assert await house.lease() == []


async def test_the_worker_of_a_cancelled_task_hears_of_it_and_cannot_complete(house: TaskHouse, ada: Caller) -> None:
    await house.create(ada)
    leased = await house.lease_one()
    await house.ask(CancelTask(task_id=leased["id"]), ada)

    assert (await house.progress(leased, 50)).cancelled
    with pytest.raises(Conflict):
        await house.complete(leased)
    with pytest.raises(Conflict):
        await house.fail(leased)
    with pytest.raises(Conflict):
        await house.progress({**leased, "lease": uuid7()}, 50)
    assert [kind for _, kind, _ in await house.events(leased["id"])] == [
        "task.created",
        "task.started",
        "task.cancelled",
    ]


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_retry_starts_anew_and_costs_no_quota(house: TaskHouse, ada: Caller, end: str) -> None:
    task = await house.create(ada, max_attempts=1)
    leased = await house.lease_one()
    await house.progress(leased, 30, phase="x")
    await (house.fail(leased) if end == "failed" else house.ask(CancelTask(task_id=task["id"]), ada))
    used = await house.sql("select used_tasks from quota where user_id = $1", ada.user_id)

    again = shown(await house.ask(RetryTask(task_id=task["id"]), ada))

    assert again["status"] == "pending" and again["attempt"] == 0 and again["error"] is None
    assert again["progress"]["percent"] == 0 and again["finished_at"] is None
    assert (await house.lease_one())["attempt"] == 1
    assert await house.sql("select used_tasks from quota where user_id = $1", ada.user_id) == used
    with pytest.raises(Conflict):
        await house.complete(leased)


async def _reach(house: TaskHouse, ada: Caller, status: str) -> str:
    task = await house.create(ada)
    if status != "pending":
        leased = await house.lease_one()
        if status == "completed":
            await house.complete(leased)
        elif status == "failed":
            await house.fail(leased, retry=False)
        elif status == "cancelled":
            await house.ask(CancelTask(task_id=task["id"]), ada)
    task_id: str = task["id"]
    return task_id


@pytest.mark.parametrize(
    ("status", "message", "to"),
    [
        ("completed", CancelTask, "cancelled"),
        ("failed", CancelTask, "cancelled"),
        ("cancelled", CancelTask, "cancelled"),
        ("pending", RetryTask, "pending"),
        ("running", RetryTask, "pending"),
        ("completed", RetryTask, "pending"),
    ],
)
async def test_illegal_transitions_are_conflicts_that_change_nothing(
    house: TaskHouse, ada: Caller, status: str, message: Any, to: str
) -> None:
    task_id = await _reach(house, ada, status)
    before = await house.get(task_id)

    with pytest.raises(Conflict) as caught:
        await house.ask(message(task_id=task_id), ada)

    assert caught.value.extra == {"from": status, "to": to}
    assert await house.get(task_id) == before


async def test_strangers_and_unknown_tasks_are_not_found_and_administrators_may(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada)
    eve, admin = await house.person(), await house.person(role="admin")

    for caller, task_id in ((eve, task["id"]), (ada, uuid7())):
        for message in (GetTask(task_id=task_id), CancelTask(task_id=task_id), RetryTask(task_id=task_id)):
            with pytest.raises(NotFound):
                await house.ask(message, caller)
    with pytest.raises(NotFound):
        await house.ask(ProgressTask(task_id=uuid7(), lease=uuid7(), percent=1), WORKER)

    assert (await house.get(task["id"], admin))["id"] == task["id"]
    assert shown(await house.ask(CancelTask(task_id=task["id"]), admin))["status"] == "cancelled"
