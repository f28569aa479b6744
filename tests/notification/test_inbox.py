"""Reading an inbox: pages, filters, marks, and nobody else's entries."""

from typing import Any

import pytest

from actors.cursors import encode_cursor
from actors.errors import InvalidRequest, NotFound
from actors.messages.notification import (
    CountUnread,
    DeleteNotification,
    ListNotifications,
    Notice,
    Notification,
    ReadAllNotifications,
    ReadNotification,
)
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from tests.notification.house import NotifiedHouse


async def fill(house: NotifiedHouse, person: Caller, first: int, count: int, kind: str = "task") -> None:
    notices = [Notice(source=f"task:x:{n}", type=kind, title=f"{n}") for n in range(first, first + count)]
    await house.take(person, *notices)


async def unread(house: NotifiedHouse, person: Caller) -> int:
    found = await house.refs("notifications").ask(CountUnread(), person)
    assert found.count == len(await house.entries(person, unread=True, limit=100))
    return int(found.count)


async def test_pages_hold_every_entry_once_while_rows_are_added(house: NotifiedHouse) -> None:
    ada = await house.person()
    for first in (0, 10, 20):
        await fill(house, ada, first, 10)
    seen: list[Notification] = []
    cursor = None
    while True:
        page = await house.refs("notifications").ask(ListNotifications(limit=7, cursor=cursor), ada)
        seen += page.items
        await fill(house, ada, 100 + len(seen), 1)  # newer than all that the cursor stands for
        cursor = page.next_cursor
        if cursor is None:
            break

    assert sorted(int(entry.title) for entry in seen) == list(range(30))
    assert [(e.created_at, e.id) for e in seen] == sorted(((e.created_at, e.id) for e in seen), reverse=True)


async def test_a_page_that_is_exactly_full_and_the_last_has_no_cursor(house: NotifiedHouse) -> None:
    ada = await house.person()
    await fill(house, ada, 0, 7)
    assert (await house.refs("notifications").ask(ListNotifications(limit=7), ada)).next_cursor is None


@pytest.mark.parametrize("key", [["now", "x"], [1, 2], "x", [None, uuid7()], ["2026-01-01T00:00:00", uuid7()]])
async def test_a_cursor_from_elsewhere_is_refused(house: NotifiedHouse, key: Any) -> None:
    with pytest.raises(InvalidRequest):
        await house.entries(await house.person(), cursor=encode_cursor(key))


async def test_filters_by_type_and_by_what_is_read(house: NotifiedHouse) -> None:
    ada = await house.person()
    await fill(house, ada, 0, 3, "task")
    await fill(house, ada, 3, 2, "system")
    [first, *_] = await house.entries(ada, type="system")
    await house.inbox(ada, ReadNotification(notification_id=first.id))

    assert [entry.id for entry in await house.entries(ada, unread=False)] == [first.id]
    assert len(await house.entries(ada, unread=True)) == 4
    assert len(await house.entries(ada, type="system", unread=True)) == 1
    assert len(await house.entries(ada, type="task")) == 3
    assert await house.entries(ada, type="welcome") == []


async def test_marks_count_once(house: NotifiedHouse) -> None:
    ada = await house.person()
    await fill(house, ada, 0, 5)
    [one, two, *_] = await house.entries(ada)
    assert await unread(house, ada) == 5

    await house.inbox(ada, ReadNotification(notification_id=one.id))
    [read] = await house.entries(ada, unread=False)
    await house.inbox(ada, ReadNotification(notification_id=one.id))
    assert await house.entries(ada, unread=False) == [read]  # the first mark stays
    assert await unread(house, ada) == 4

    await house.inbox(ada, DeleteNotification(notification_id=two.id))
    assert await unread(house, ada) == 3

    await house.inbox(ada, ReadAllNotifications())
    assert await unread(house, ada) == 0
    assert read in await house.entries(ada)
    await house.inbox(ada, ReadAllNotifications())
    assert len(await house.entries(ada)) == 4


async def test_what_is_deleted_is_not_there_any_more(house: NotifiedHouse) -> None:
    ada = await house.person()
    await fill(house, ada, 0, 1)
    [entry] = await house.entries(ada)
    await house.inbox(ada, DeleteNotification(notification_id=entry.id))

    for message in (DeleteNotification(notification_id=entry.id), ReadNotification(notification_id=entry.id)):
        with pytest.raises(NotFound):
            await house.inbox(ada, message)


async def test_a_stranger_neither_sees_nor_marks_nor_deletes_an_entry(house: NotifiedHouse) -> None:
    ada, eve = await house.person(), await house.person()
    await fill(house, ada, 0, 1)
    [entry] = await house.entries(ada)

    for message in (ReadNotification(notification_id=entry.id), DeleteNotification(notification_id=entry.id)):
        with pytest.raises(NotFound):
            await house.inbox(eve, message)
    await house.inbox(eve, ReadAllNotifications())
    assert await house.entries(eve) == []

    assert await house.entries(ada, unread=True) == [entry]
