"""Progress and heartbeats; many settlements at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from actors.errors import RateLimited
from actors.messages.task import CreateTasks, NewTask, SettledTask, SettledTasks, SettleTasks
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from actors.task.progress import Pace
from tests.task.house import WORKER, TaskHouse


async def test_progress_renews_the_lease(house: TaskHouse, ada: Caller) -> None:
    await house.create(ada)
    leased = await house.lease_one(lease_seconds=100)
    await house.sql("update task set lease_expires_at = now() + interval '1 s'")

    taken = await house.progress(leased, 1)

    assert taken.lease_expires_at - datetime.now(UTC) > timedelta(seconds=95)
    [row] = await house.sql("select lease_expires_at from task")
    assert row["lease_expires_at"] == taken.lease_expires_at


async def test_only_changes_of_percent_or_phase_are_events_and_what_is_left_out_stays(
    house: TaskHouse, ada: Caller
) -> None:
    task = await house.create(ada)
    leased = await house.lease_one()
    for percent, phase, message in (
        (0, None, None), (10, "a", "m"), (10, None, None), (10, "a", "n"), (20, None, None), (20, "b", None),
    ):  # fmt: skip
        await house.progress(leased, percent, phase=phase, message=message)

    told = [body["progress"] for _, kind, body in await house.events(task["id"]) if kind == "task.progressed"]
    assert [(p["percent"], p["phase"], p["message"]) for p in told] == [(10, "a", "m"), (20, "a", "n"), (20, "b", "n")]
    progress = (await house.get(task["id"]))["progress"]
    assert (progress["percent"], progress["phase"], progress["message"]) == (20, "b", "n")


async def test_reports_that_arrive_together_are_all_events_without_gaps(house: TaskHouse, ada: Caller) -> None:
    tasks = [await house.create(ada) for _ in range(3)]
    leased = await house.lease(max=3)

    await asyncio.gather(*(house.progress(task, percent) for percent in range(1, 41) for task in leased))

    for task in tasks:
        events = await house.events(task["id"])
        assert [n for n, _, _ in events] == list(range(1, 43))
        assert [body["progress"]["percent"] for _, _, body in events[2:]] == list(range(1, 41))
    heard = [(e.stream, e.n) for e in house.heard.events]
    assert len(heard) == len(set(heard)) == 3 * 42


async def test_beyond_50_calls_a_second_a_task_is_refused(house: TaskHouse, ada: Caller) -> None:
    await house.create(ada)
    await house.create(ada)
    one, other = await house.lease(max=2)

    answers = await asyncio.gather(*(house.progress(one, i) for i in range(60)), return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, RateLimited)]
    assert len(refused) == 10 and all(0 < answer.retry_after <= 1 for answer in refused)
    await house.progress(other, 1)
    assert len(await house.events(one["id"])) == 2 + 49


def test_the_pace_counts_each_second_and_forgets() -> None:
    pace = Pace(2)

    assert [pace.take("a", 0.0), pace.take("a", 0.5)] == [0, 0]
    assert pace.take("a", 0.75) == pytest.approx(0.25)
    assert pace.take("b", 0.75) == 0
    assert pace.take("a", 1.0) == 0
    assert pace.take("c", 9.0) == 0
    assert pace.take("c", 10.0) == 0
    assert len(pace._windows) == 1


async def test_settlements_are_answered_by_themselves(house: TaskHouse, ada: Caller) -> None:
    await house.ask(CreateTasks(items=[NewTask(type="work", params={}, max_attempts=2) for _ in range(5)]), ada)
    a, b, c, d, e = await house.lease(max=5)
    error = {"code": "x", "message": "y"}
    items = [
        {"id": a["id"], "lease": a["lease"], "result": {"ok": 1}},
        {"id": b["id"], "lease": b["lease"], "error": error},
        {"id": c["id"], "lease": c["lease"], "error": error, "retry": False},
        {"id": d["id"], "lease": a["lease"], "result": 1},
        {"id": uuid7(), "lease": a["lease"], "result": 1},
        {"id": "nonsense", "lease": "nonsense"},
        {"id": a["id"], "lease": a["lease"], "result": {"ok": 2}},
        {"id": e["id"], "lease": e["lease"]},
    ]

    settled: SettledTasks = await house.ask(msgspec.convert({"items": items}, SettleTasks), WORKER)

    assert [item.status or item.code for item in settled.items] == [
        "completed", "pending", "failed", "conflict", "not_found", "not_found", "conflict", "completed",
    ]  # fmt: skip
    assert msgspec.json.encode(settled.items[3]) == msgspec.json.encode({"id": d["id"], "code": "conflict"})
    assert msgspec.json.encode(SettledTask(id="1", status="failed")) == b'{"id":"1","status":"failed"}'
    assert (await house.get(a["id"]))["result"] == {"ok": 1}
    assert (await house.get(d["id"]))["status"] == "running"


async def test_a_batch_of_settlements_is_one_transaction(house: TaskHouse, ada: Caller) -> None:
    await house.ask(CreateTasks(items=[NewTask(type="work", params={}) for _ in range(100)]), ada)
    leased = await house.lease(max=100)
    items = [{"id": task["id"], "lease": task["lease"], "result": None} for task in leased]

    await house.ask(msgspec.convert({"items": items}, SettleTasks), WORKER)

    [row] = await house.sql(
        "select count(*), count(distinct xmin::text) as transactions from task where result is not null"
    )
    assert (row["count"], row["transactions"]) == (100, 1)
