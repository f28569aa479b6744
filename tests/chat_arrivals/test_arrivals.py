"""What people hear of chats who are not looking at them: the first unread message, and not the next ones."""

from typing import Any

import pytest

from storage.chat_arrival import ChatArrivalStore
from tests.chat_arrivals.house import TalkingHouse
from tests.notification.house import until
from tests.system.house import Person


async def test_a_group_tells_everybody_but_its_founder(
    house: TalkingHouse, ada: Person, ben: Person, cyd: Person
) -> None:
    chat_id = await house.group(ada, ben, cyd)
    for who in (ben, cyd):
        [entry] = await house.entries(who)
        assert (entry["type"], entry["title"], entry["data"]) == ("chat", "ada added you to Us", {"chat_id": chat_id})
        [told] = await house.told(who)
        assert (told["type"], told["chat"]["id"], told["chat"]["members_count"]) == ("chat.invited", chat_id, 3)
    assert await house.entries(ada) == await house.told(ada) == []


async def test_who_joins_later_hears_of_it_alone(house: TalkingHouse, ada: Person, ben: Person, cyd: Person) -> None:
    chat_id = await house.group(ada, ben)
    await house.entries(ben)
    await house.call("POST", f"/chats/{chat_id}/members", ada, {"user_id": "cyd"}, expect=201)

    assert await house.titles(cyd) == [("chat", "ada added you to Us")]
    [told] = await house.told(cyd)
    assert (told["type"], told["chat"]["name"], told["chat"]["owner_id"]) == ("chat.invited", "Us", ada.id)
    assert len(await house.told(ben)) == 1


async def test_a_direct_chat_makes_no_entry_before_its_first_message(
    house: TalkingHouse, ada: Person, ben: Person
) -> None:
    chat_id = await house.direct(ada, ben)
    assert await house.entries(ben) == []
    assert [told["type"] for told in await house.told(ben)] == ["chat.invited"]

    message = await house.say(chat_id, ada, "hello " * 100)

    [entry] = await house.entries(ben)
    assert (entry["type"], entry["title"], entry["priority"]) == ("message", "ada", "normal")
    assert entry["body"] == ("hello " * 100)[:200]
    assert entry["data"] == {"chat_id": chat_id, "seq": 1, "message_id": message["id"]}
    assert await house.arrived(ben) == [1]
    assert await house.entries(ada) == await house.told(ada) == []


async def test_while_something_is_unread_nothing_more_is_kept(house: TalkingHouse, ada: Person, ben: Person) -> None:
    chat_id = await house.group(ada, ben)
    for text in ("one", "two", "three"):
        await house.say(chat_id, ada, text)
        assert await house.titles(ben) == [("chat", "ada added you to Us"), ("message", "ada in Us")]
    assert await house.arrived(ben) == [1]

    await house.read(chat_id, ben, 2)  # not all of it, but all that was told of
    await house.say(chat_id, ada, "four")
    assert len(await house.entries(ben)) == 3
    assert await house.arrived(ben) == [1, 4]

    await house.read(chat_id, ben, 3)
    await house.say(chat_id, ada, "five")
    assert await house.arrived(ben) == [1, 4]


async def test_who_is_connected_hears_of_later_messages_live(house: TalkingHouse, ada: Person, ben: Person) -> None:
    chat_id = await house.group(ada, ben)
    await house.say(chat_id, ada, "one")
    ear = await house.listen(ben)

    await house.say(chat_id, ada, "two")

    push = await ear.push()
    assert push["channel"] == f"user:{ben.id}"
    assert "offset" not in push["pub"]
    assert {**push["pub"]["data"], "at": ""} == {"type": "message.arrived", "at": "", "chat_id": chat_id, "seq": 2}
    assert await house.arrived(ben) == [1]


async def test_who_watches_hears_nothing_twice(house: TalkingHouse, ada: Person, ben: Person, cyd: Person) -> None:
    chat_id = await house.group(ada, ben, cyd)
    ear = await house.listen(ben, f"chat:{chat_id}")
    await house.say(chat_id, ada)

    assert [kind for kind, _ in await house.titles(cyd)] == ["chat", "message"]
    assert [kind for kind, _ in await house.titles(ben)] == ["chat"]
    assert await house.arrived(ben) == []
    assert (await ear.push())["channel"] == f"chat:{chat_id}"

    await ear.ask(unsubscribe={"channel": f"chat:{chat_id}"})
    await house.say(chat_id, ada)
    assert [kind for kind, _ in await house.titles(ben)] == ["chat", "message"]


async def test_who_has_read_it_elsewhere_is_not_told(house: TalkingHouse, ada: Person, ben: Person) -> None:
    """The relay is late: before it delivers, the message has been read."""
    chat_id = await house.direct(ada, ben)
    await house.settled()
    await house.sql("update chat_read set seq = 1 where user_id = $1", ben.id)
    await house.say(chat_id, ada)
    assert await house.entries(ben) == []


async def test_a_muted_chat_changes_the_screen_and_not_the_inbox(house: TalkingHouse, ada: Person, ben: Person) -> None:
    chat_id = await house.group(ada, ben)
    await house.mute(chat_id, ben)
    await house.say(chat_id, ada)
    await house.say(chat_id, ada)

    assert [kind for kind, _ in await house.titles(ben)] == ["chat"]
    assert len(await house.arrived(ben)) == 1


async def test_what_the_house_says_tells_nobody(house: TalkingHouse, ada: Person, ben: Person, cyd: Person) -> None:
    chat_id = await house.group(ada, ben)
    await house.call("POST", f"/chats/{chat_id}/members", ada, {"user_id": "cyd"}, expect=201)
    await house.call("PATCH", f"/chats/{chat_id}", ada, {"name": "Them"})
    await house.call("DELETE", f"/chats/{chat_id}/members/{cyd.id}", ada, expect=204)
    assert [kind for kind, _ in await house.titles(ben)] == ["chat"]
    assert await house.arrived(ben) == []


@pytest.mark.parametrize(("kind", "body"), [("image", "Image"), ("file", "File"), ("audio", "Audio")])
async def test_what_is_no_text_is_named(house: TalkingHouse, ada: Person, ben: Person, kind: str, body: str) -> None:
    await house.say(await house.direct(ada, ben), ada, "", kind=kind, file_id="f-17")
    [entry] = await house.entries(ben)
    assert entry["body"] == body


async def test_preferences_and_quiet_hours_hold(house: TalkingHouse, ada: Person, ben: Person, cyd: Person) -> None:
    quiet = {"from": "00:00", "to": "00:00", "time_zone": "UTC"}
    await house.call("PATCH", "/notifications/preferences", ben, {"types": {"message": {"channels": []}}})
    await house.call("PATCH", "/notifications/preferences", cyd, {"quiet_hours": quiet})
    await house.say(await house.group(ada, ben, cyd), ada)

    assert [kind for kind, _ in await house.titles(ben)] == ["chat"]
    assert await house.arrived(ben) == await house.arrived(cyd) == [1]
    assert [kind for kind, _ in await house.titles(cyd)] == ["chat", "message"]
    loud = await house.sql("select from event where stream = $1 and type = 'notification.created'", f"user:{cyd.id}")
    assert len(loud) == 1  # the welcome


async def test_the_end_of_an_account_takes_it_from_its_chats(
    house: TalkingHouse, ada: Person, ben: Person, cyd: Person
) -> None:
    group, direct = await house.group(ben, ada, cyd), await house.direct(ben, ada)
    await house.call("DELETE", "/users/me", ben, expect=204)
    await house.settled()

    assert (await house.call("GET", f"/chats/{group}", cyd))["owner_id"] == ada.id
    members = await house.sql("select user_id from chat_member where chat_id in ($1, $2)", group, direct)
    assert {row["user_id"] for row in members} == {ada.id, cyd.id}
    assert await house.sql("select from chat_read where user_id = $1", ben.id) == []


async def test_a_delivery_that_breaks_before_it_was_noted_tells_nobody_twice(
    house: TalkingHouse, ada: Person, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat_id = await house.direct(ada, ben)
    noted, broken = ChatArrivalStore.update_told, 0

    async def break_twice(store: ChatArrivalStore, told: Any) -> None:
        nonlocal broken
        broken += 1
        if broken <= 2:
            raise ConnectionError("planted")
        await noted(store, told)

    monkeypatch.setattr(ChatArrivalStore, "update_told", break_twice)
    for text in ("one", "two"):
        await house.say(chat_id, ada, text)

    async def is_noted() -> bool:
        return bool(await house.sql("select from chat_read where told_seq = 2"))

    await until(is_noted)
    assert broken == 3
    assert len(await house.entries(ben)) == len(await house.arrived(ben)) == 1
