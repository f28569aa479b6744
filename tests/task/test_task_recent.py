"""What the relay is handed of tasks from memory is what the table holds, to the letter."""

import asyncio

from actors.messages.task import (
    CancelTask,
    CreateTask,
    CreateTasks,
    NewTask,
    ProgressTask,
    RetryTask,
    Settlement,
    SettleTasks,
    TakeTasks,
)
from actors.runtime.actor import Idempotency
from actors.runtime.message import Caller
from storage.events import EventRow
from tests.task.house import WORKER, TaskHouse

NEW = CreateTask(type="work", params={})
TYPES = [f"task.{verb}" for verb in ("created", "started", "progressed", "completed", "failed", "cancelled", "retried")]


async def _live(house: TaskHouse, ada: Caller) -> None:
    """Let tasks go through all that can become of them, refusals in between."""
    items = [NewTask(type="work", params={}, unique_key=key) for key in ("a", "b", "a", None, None, None)]
    await house.ask(CreateTasks(items=items), ada)
    await asyncio.gather(*(house.create(ada, priority=number) for number in range(6)))
    key = Idempotency("POST /tasks", "abc", b"hmac")  # joins the transaction, which takes several statements then
    await asyncio.gather(*(house.ask(NEW, ada, idempotency=given) for given in (None, key, None)))
    requests = [TakeTasks(types=["work"], max=most, lease_seconds=60, worker="w") for most in (2, 3, 1)]
    await asyncio.gather(*(house.ask(request, WORKER) for request in requests))
    tasks = await house.lease(max=5)
    held = [
        *(ProgressTask(task_id=one["id"], lease=one["lease"], percent=done) for one in tasks for done in (5, 5, 9)),
        ProgressTask(task_id=tasks[0]["id"], lease=tasks[1]["lease"], percent=7),
    ]  # fmt: skip
    await asyncio.gather(*(house.ask(one, WORKER) for one in held), return_exceptions=True)
    ends = [Settlement(id=task["id"], lease=task["lease"]) for task in (*tasks[:2], *tasks[:1])]
    await house.ask(SettleTasks(items=[Settlement(id="none", lease="none"), *ends]), WORKER)
    await house.fail(tasks[2], retry=False)
    await house.lose_lease(tasks[3]["id"])
    await house.sql("update task set started_at = now() - interval '1 day', attempt = 9 where id = $1", tasks[4]["id"])
    await house.sweeper.look()
    ids = [row["id"] for row in await house.sql("select id from task order by id")]
    await asyncio.gather(*(house.ask(CancelTask(task_id=one), ada) for one in ids), return_exceptions=True)
    await asyncio.gather(*(house.ask(RetryTask(task_id=one), ada) for one in ids), return_exceptions=True)


async def test_every_statement_of_tasks_says_what_it_has_stored(house: TaskHouse, ada: Caller) -> None:
    house.recent.follow(TYPES, lambda: None)
    house.recent.is_stale = False
    await _live(house, ada)

    rows = await house.sql(
        "select stream, n, type, body, caller, cause, ordinal, house, lane, seq, at from event order by seq"
    )
    stored = [EventRow.of(row) for row in rows]
    found = house.recent.between((stored[0].house, 0), 0, stored[-1].seq, len(stored))

    assert {one.type for one in stored} == set(TYPES)
    assert found is not None
    assert list(found[0]) == stored
    assert found[1] == stored[-1].seq
    assert not house.recent.is_stale  # nobody has to look into the table
