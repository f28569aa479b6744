"""From an event to an inbox and a channel, through the relay, each source once."""

from pathlib import Path
from typing import Any

import pytest

from actors.errors import NotFound
from actors.messages.account import DeleteAccount
from actors.messages.notification import DeleteNotification, Notice, TaskChange
from actors.messages.task import CancelTask
from actors.runtime.errors import AlreadyDone
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from storage.notification import NotificationStore
from tests.notification.house import NotifiedHouse, open_house, until


async def test_a_welcome_arrives_after_registration(house: NotifiedHouse) -> None:
    ada = await house.register("ada")

    [entry] = await until(lambda: house.entries(ada))

    assert (entry.type, entry.title, entry.read_at) == ("welcome", "Welcome, ada", None)
    [told] = await house.stream(ada)
    assert (told["type"], told["notification"]["id"]) == ("notification.created", entry.id)


async def test_a_task_tells_every_change_and_leaves_an_entry_when_it_is_completed(house: NotifiedHouse) -> None:
    ada = await house.person()
    task_id = await house.task(ada)
    await house.work()

    [entry] = await until(lambda: house.entries(ada))

    assert entry.title == "Your task work is completed"
    assert entry.data == {"task_id": task_id, "task_type": "work", "status": "completed"}
    assert [(told["type"], told.get("status")) for told in await house.stream(ada)] == [
        ("task.changed", "running"), ("task.changed", "completed"), ("notification.created", None),
    ]  # fmt: skip


async def test_a_failure_is_an_entry_only_when_no_attempt_is_left(house: NotifiedHouse) -> None:
    ada = await house.person()
    await house.task(ada, max_attempts=2)
    await house.work(error="first")
    await until(lambda: _has(house, ada, "pending"))
    assert await house.entries(ada) == []
    await house.sql("update task set run_at = now() - interval '1 s', due = true")
    await house.work(error="it broke")

    [entry] = await until(lambda: house.entries(ada))

    assert (entry.title, entry.body, entry.priority) == ("Your task work has failed", "it broke", "high")
    assert [told.get("status") for told in await house.stream(ada)] == ["running", "pending", "running", "failed", None]


async def test_cancelling_changes_the_screen_and_not_the_inbox(house: NotifiedHouse) -> None:
    ada = await house.person()
    task_id = await house.task(ada)
    await house.refs("tasks").ask(CancelTask(task_id=task_id), ada)

    await until(lambda: _has(house, ada, "cancelled"))

    assert await house.entries(ada) == []


async def _has(house: NotifiedHouse, person: Caller, status: str) -> bool:
    return any(told.get("status") == status for told in await house.stream(person))


async def test_what_the_relay_delivers_again_is_not_taken_again(database_dsn: str, tmp_path: Path) -> None:
    async with open_house(database_dsn, tmp_path) as house:
        ada = await house.register("ada")
        await house.task(ada)
        await house.work()
        first = await until(lambda: _whole(house, ada, 2))
        told = await house.stream(ada)
        await house.sql("delete from consumer")
    async with open_house(database_dsn, tmp_path) as house:
        await until(lambda: house.sql("select from consumer c where seq = (select max(seq) from event where lane = 0)"))
        ben = await house.register("ben")
        await until(lambda: house.entries(ben))  # what came before has been delivered, too

        assert await house.entries(ada) == first
        assert await house.stream(ada) == told


async def _whole(house: NotifiedHouse, person: Caller, count: int) -> Any:
    entries = await house.entries(person)
    return entries if len(entries) == count else None


async def test_without_asking_what_was_taken_a_second_delivery_would_be_refused_by_the_database(
    house: NotifiedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plant: the check is left out. Even then nothing is taken twice: the constraint stands behind it."""
    ada = await house.person()
    notice = Notice(source="task:x:1", type="system", title="Once")
    assert await house.take(ada, notice) == 1

    async def nothing(*_: object) -> set[str]:
        return set()

    monkeypatch.setattr(NotificationStore, "list_taken", nothing)
    with pytest.raises(AlreadyDone):
        await house.take(ada, notice)
    assert len(await house.entries(ada)) == len(await house.stream(ada)) == 1


async def test_each_source_is_taken_once(house: NotifiedHouse) -> None:
    ada = await house.person()
    one, two = (Notice(source=f"task:x:{n}", type="system", title=f"{n}") for n in (1, 2))

    assert [await house.take(ada, one), await house.take(ada, two, one, two), await house.take(ada, two)] == [1, 1, 0]

    assert sorted(entry.title for entry in await house.entries(ada)) == ["1", "2"]
    assert len(await house.stream(ada)) == 2


async def test_a_change_without_an_entry_is_told_once(house: NotifiedHouse) -> None:
    ada = await house.person()
    change = Notice(source="task:x:1", change=TaskChange(task_id="x", status="running"))

    assert [await house.take(ada, change), await house.take(ada, change)] == [1, 0]

    assert [told["type"] for told in await house.stream(ada)] == ["task.changed"]


async def test_a_deleted_entry_does_not_come_back_when_its_source_is_delivered_again(house: NotifiedHouse) -> None:
    ada = await house.person()
    notice = Notice(source="task:x:1", type="system", title="Gone", channels=("inbox",))
    await house.take(ada, notice)
    [entry] = await house.entries(ada)
    await house.inbox(ada, DeleteNotification(notification_id=entry.id))

    assert await house.take(ada, notice) == 0

    assert await house.entries(ada) == []
    [row] = await house.sql("select title, body, data from notification")
    assert (row["title"], row["body"], row["data"]) == ("", "", "{}")


async def test_nobody_unknown_has_an_inbox(house: NotifiedHouse) -> None:
    with pytest.raises(NotFound):
        await house.take(Caller(user_id=uuid7()), Notice(source="task:x:1", type="system", title="Hello"))


async def test_what_concerns_somebody_who_is_gone_holds_nobody_up(database_dsn: str, tmp_path: Path) -> None:
    async with open_house(database_dsn, tmp_path) as house:
        ada = await house.register("ada")
        await until(lambda: house.entries(ada))
        await house.refs("account", ada.user_id or "").ask(DeleteAccount(user_id=ada.user_id or ""), ada)
        await house.sql("delete from consumer")  # ada's welcome is delivered again, to nobody
    async with open_house(database_dsn, tmp_path) as house:
        ben = await house.register("ben")

        assert [entry.title for entry in await until(lambda: house.entries(ben))] == ["Welcome, ben"]
