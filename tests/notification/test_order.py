"""Houses may deliver out of order what happened to a task: screens never go back."""

from typing import Any

import msgspec

from actors.messages.notification import Notice, TaskChange
from actors.runtime.ids import uuid7
from tests.notification.house import NotifiedHouse

TASK, OTHER = uuid7(), uuid7()


def changed(n: int, status: str, task_id: str = TASK, **fields: Any) -> Notice:
    return Notice(source=f"task:{task_id}:{n}", change=TaskChange(task_id=task_id, status=status), **fields)


async def test_a_change_that_comes_late_is_told_to_nobody_and_its_entry_is_kept(house: NotifiedHouse) -> None:
    ada = await house.person()
    await house.take(ada, changed(5, "completed"))
    await house.take(ada, changed(2, "running"), changed(3, "failed", type="task", title="late"))
    await house.take(ada, changed(2, "running", OTHER), changed(6, "cancelled"))
    told = [msgspec.json.decode(event.body) for event in house.heard if event.type == "task.changed"]
    assert [(event["task_id"], event["status"]) for event in told] == [
        (TASK, "completed"), (OTHER, "running"), (TASK, "cancelled"),
    ]  # fmt: skip
    assert [entry.title for entry in await house.entries(ada, limit=10)] == ["late"]
