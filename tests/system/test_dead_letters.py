"""Messages that crashed their actor three times: kept without secrets, sent again once the fault is mended."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from actors.auth.passwords import Passwords
from actors.messages.account import Register
from actors.messages.notification import Notice, TakeNotices
from actors.runtime.message import SYSTEM
from storage.notification import NotificationStore
from tests.notification.house import until
from tests.system.house import ServedHouse

UNKNOWN = "00000000-0000-7000-8000-000000000000"


def broken(*_: object, **__: object) -> Any:
    raise RuntimeError("secret detail of the fault")


async def letters(house: ServedHouse, count: int = 1) -> list[dict[str, Any]]:
    async def look() -> Any:
        items = (await house.system("/dead-letters"))["items"]
        return (items,) if len(items) == count else None

    [found] = await until(look)
    return list(found)


def notify(house: ServedHouse, number: int) -> None:
    notice = Notice(source=f"test:{number}", type="test", title=f"{number}")
    house.refs("inbox", house.ada.id).tell(TakeNotices(user_id=house.ada.id, notices=[notice]), SYSTEM)


def titles(house: ServedHouse) -> Callable[[], Any]:
    async def look() -> list[str]:
        items = (await house.call("GET", "/notifications?type=test", house.ada.token))["items"]
        return [entry["title"] for entry in items]

    return look


async def test_a_message_that_crashes_three_times_is_kept_and_sent_again(
    house: ServedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as fault:
        fault.setattr(NotificationStore, "list_taken", broken)
        notify(house, 1)
        [letter] = await letters(house)
    assert letter | {"id": "", "at": ""} == {
        "id": "", "kind": "inbox", "key": house.ada.id, "message_type": "notification.TakeNotices",
        "message": letter["message"], "error": "RuntimeError", "attempts": 3, "at": "",
    }  # fmt: skip
    assert letter["message"]["notices"][0]["title"] == "1"
    assert await house.system(f"/dead-letters/{letter['id']}") == letter
    inbox = next(one for one in (await house.system("/actors"))["items"] if one["kind"] == "inbox")
    assert (inbox["crashed"], inbox["restarts"]) == (3, 3)
    lines = (await house.system("/logs?event=actor_crashed"))["items"]
    assert [(line["kind"], line["error_type"]) for line in lines] == [("inbox", "RuntimeError")] * 3

    path = f"/api/system/dead-letters/{letter['id']}"
    assert await house.call("POST", f"{path}/redeliver", house.admin.token) == letter

    assert await until(titles(house)) == ["1"]
    assert await letters(house, 0) == []
    await house.call("GET", path, house.admin.token, expect=404)


async def test_a_letter_whose_fault_is_still_there_comes_back(
    house: ServedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NotificationStore, "list_taken", broken)
    notify(house, 1)
    [first] = await letters(house)
    await house.call("POST", f"/api/system/dead-letters/{first['id']}/redeliver", house.admin.token)

    [second] = await letters(house)
    assert second["id"] != first["id"] and second["message"] == first["message"]


async def test_a_letter_is_sent_again_once_however_many_ask(
    house: ServedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as fault:
        fault.setattr(NotificationStore, "list_taken", broken)
        notify(house, 1)
        [letter] = await letters(house)
    statuses = []

    async def ask() -> None:
        headers = {"Authorization": f"Bearer {house.admin.token}"}
        async with house.http.post(f"/api/system/dead-letters/{letter['id']}/redeliver", headers=headers) as answer:
            statuses.append(answer.status)

    await asyncio.gather(*(ask() for _ in range(8)))

    assert sorted(statuses) == [200] + [404] * 7


async def test_secrets_are_blank_and_a_message_that_needs_one_cannot_be_sent_again(
    house: ServedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Passwords, "hash", broken)
    message = Register(username="ben", email="ben@example.org", password="hunter2hunter2")
    house.refs("accounts").tell(message, SYSTEM)

    [letter] = await letters(house)

    assert letter["message"]["username"] == "ben" and letter["message"]["password"] == "***"
    assert letter["error"] == "RuntimeError"
    rows = await house.sql("select * from dead_letter")
    assert b"hunter2" not in b"".join(row["message"] + row["caller"] for row in rows)
    path = f"/api/system/dead-letters/{letter['id']}"
    answer = await house.call("POST", f"{path}/redeliver", house.admin.token, expect=409)
    assert answer["code"] == "conflict"
    assert await letters(house) == [letter]


async def test_a_letter_of_a_kind_that_is_no_more_stays(house: ServedHouse) -> None:
    await house.sql(
        "insert into dead_letter values ($1, 'gone', '', 'gone.Gone', '\\x80', '\\x80', 'E', 3, now())", UNKNOWN
    )
    await house.call("POST", f"/api/system/dead-letters/{UNKNOWN}/redeliver", house.admin.token, expect=409)
    assert len(await letters(house)) == 1


async def test_letters_are_listed_newest_first_and_forgotten(
    house: ServedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NotificationStore, "list_taken", broken)
    for number in range(3):
        house.refs("inbox", house.admin.id if number % 2 else house.ada.id).tell(
            TakeNotices(user_id=house.ada.id, notices=[]), SYSTEM
        )
    all_of_them = await letters(house, 3)
    first = await house.system("/dead-letters?limit=2")
    second = await house.system(f"/dead-letters?limit=2&cursor={first['next_cursor']}")
    assert first["items"] + second["items"] == all_of_them and second["next_cursor"] is None
    assert [one["at"] for one in all_of_them] == sorted((one["at"] for one in all_of_them), reverse=True)

    for letter in all_of_them:
        await house.call("DELETE", f"/api/system/dead-letters/{letter['id']}", house.admin.token, expect=204)
        await house.call("DELETE", f"/api/system/dead-letters/{letter['id']}", house.admin.token, expect=404)
    assert await letters(house, 0) == []
