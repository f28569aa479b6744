"""Lists, histories, and who has asked for work."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from actors.errors import Forbidden, InvalidRequest, NotFound
from actors.messages.task import GetTaskStatus, ListTaskEvents, ListTasks, ListWorkers
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from tests.task.house import WORKER, TaskHouse


async def pages(house: TaskHouse, caller: Caller, message: Any) -> list[list[Any]]:
    """Every page of a list."""
    found = []
    while True:
        page = await house.ask(message, caller)
        found.append([msgspec.json.decode(item) for item in page.items])
        if page.next_cursor is None:
            return found
        message = msgspec.structs.replace(message, cursor=page.next_cursor)


async def test_a_list_is_newest_first_and_stable_while_tasks_are_added(house: TaskHouse, ada: Caller) -> None:
    made = [(await house.create(ada))["id"] for _ in range(7)]
    await house.create(await house.person())
    first = await house.ask(ListTasks(limit=3), ada)
    await house.create(ada)

    rest = await pages(house, ada, ListTasks(limit=3, cursor=first.next_cursor))

    seen = [msgspec.json.decode(item)["id"] for item in first.items] + [task["id"] for page in rest for task in page]
    assert seen == made[::-1]
    assert [len(page) for page in rest] == [3, 1]


async def test_a_list_can_be_narrowed(house: TaskHouse, ada: Caller) -> None:
    await house.create(ada, type="a")
    await house.create(ada)
    running = await house.lease_one()

    [[found]] = await pages(house, ada, ListTasks(status="running"))
    assert found["id"] == running["id"]
    [[found]] = await pages(house, ada, ListTasks(type="a"))
    assert found["type"] == "a"
    assert await pages(house, ada, ListTasks(type="a", status="running")) == [[]]


async def test_only_administrators_list_other_peoples_tasks(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada)
    admin, eve = await house.person(role="admin"), await house.person()

    with pytest.raises(Forbidden):
        await house.ask(ListTasks(user_id=ada.user_id), eve)
    [[found]] = await pages(house, admin, ListTasks(user_id=ada.user_id))
    assert found == task
    assert await pages(house, admin, ListTasks()) == [[]]


@pytest.mark.parametrize("cursor", ["", "x", "gaRoYWNr", "ks8AAAAA"])
async def test_a_cursor_from_elsewhere_is_refused(house: TaskHouse, ada: Caller, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        await house.ask(ListTasks(cursor=cursor), ada)


async def test_the_history_is_oldest_first_and_for_the_owner(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada)
    leased = await house.lease_one()
    for percent in (10, 20, 30):
        await house.progress(leased, percent)
    await house.complete(leased)

    found = await pages(house, ada, ListTaskEvents(task_id=task["id"], limit=4))

    assert [len(page) for page in found] == [4, 2]
    moments = [moment for page in found for moment in page]
    assert [moment["n"] for moment in moments] == [1, 2, 3, 4, 5, 6]
    assert list(moments[0]) == ["n", "type", "body", "at"]
    assert moments[-1]["type"] == "task.completed" and moments[-1]["body"]["task"]["status"] == "completed"
    for caller, task_id in ((await house.person(), task["id"]), (ada, uuid7())):
        with pytest.raises(NotFound):
            await house.ask(ListTaskEvents(task_id=task_id), caller)


async def test_the_status_is_short(house: TaskHouse, ada: Caller) -> None:
    task = await house.create(ada)
    await house.progress(await house.lease_one(), 12.5, phase="x")

    state = msgspec.json.decode((await house.ask(GetTaskStatus(task_id=task["id"]), ada)).json)

    assert list(state) == ["id", "status", "progress"] and state["status"] == "running"
    assert state["progress"]["percent"] == 12.5
    with pytest.raises(NotFound):
        await house.ask(GetTaskStatus(task_id=task["id"]), await house.person())
    assert await house.store.is_owner(task["id"], ada.user_id or "")
    assert not await house.store.is_owner(task["id"], uuid7())
    assert not await house.store.is_owner(uuid7(), ada.user_id or "")


async def test_workers_are_known_by_what_they_asked_for(house: TaskHouse, ada: Caller) -> None:
    for _ in range(3):
        await house.create(ada)
    await house.lease(worker="w1", max=2)
    await house.lease(worker="w2", types=["b", "c"])
    await house.lease(worker=None, types=["b"])

    page = await house.ask(ListWorkers(), WORKER)

    seen = {worker.worker: (worker.types, worker.leased) for worker in page.items}
    assert seen == {"w1": (["work"], 2), "w2": (["b", "c"], 0), WORKER.api_key_id: (["b"], 0)}
    assert all(datetime.now(UTC) - worker.last_seen_at < timedelta(seconds=5) for worker in page.items)

    await house.sql("update task_worker set last_seen_at = now() - interval '2 days'")
    assert [worker.worker for worker in (await house.ask(ListWorkers(), WORKER)).items] == ["w1"]


async def test_workers_come_in_pages_and_are_forgotten(house: TaskHouse) -> None:
    for name in "abcde":
        await house.lease(worker=name)
    seen: list[str] = []
    cursor = None
    while not seen or cursor:
        page = await house.ask(ListWorkers(limit=2, cursor=cursor), WORKER)
        seen, cursor = [*seen, *(worker.worker for worker in page.items)], page.next_cursor
    assert seen == list("edcba")

    assert await house.store.delete_old_workers(datetime.now(UTC) - timedelta(days=1), 10) == 0
    await house.sql("update task_worker set last_seen_at = now() - interval '2 days' where name in ('a', 'b', 'c')")
    assert await house.store.delete_old_workers(datetime.now(UTC) - timedelta(days=1), 2) == 2
    assert await house.store.delete_old_workers(datetime.now(UTC) - timedelta(days=1), 2) == 1


async def test_old_finished_tasks_can_be_removed(house: TaskHouse, ada: Caller) -> None:
    for _ in range(3):
        await house.create(ada)
    for leased in await house.lease(max=2):
        await house.complete(leased)

    assert await house.store.delete_old_tasks(datetime.now(UTC) - timedelta(days=1), 10) == 0
    assert await house.store.delete_old_tasks(datetime.now(UTC) + timedelta(days=1), 10) == 2
