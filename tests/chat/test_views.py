"""Chats and their members, as each of those in them sees them."""

import asyncio
from typing import Any

from tests.chat.served import ChatHouse
from tests.notification.house import until


async def ids(house: ChatHouse, who: str, query: str = "") -> list[str]:
    return [chat["id"] for chat in (await house.get(who, f"/chats{query}"))["items"]]


async def unread(house: ChatHouse, who: str, chat_id: str) -> int:
    count: int = (await house.get(who, f"/chats/{chat_id}"))["unread_count"]
    return count


async def test_a_direct_chat_goes_by_the_other_persons_name(house: ChatHouse) -> None:
    chat_id = await house.direct("ada", "ben")
    for who, name, peer in (("ada", "Ben", "ben"), ("ben", "ada", "ada")):
        chat = await house.get(who, f"/chats/{chat_id}")
        assert (chat["kind"], chat["name"], chat["peer_id"]) == ("direct", name, house.people[peer].id)
        assert (chat["owner_id"], chat["members_count"], chat["role"]) == (None, 2, "member")
        assert (chat["last_message"], chat["unread_count"], chat["read_seq"]) == (None, 0, 0)
        assert await ids(house, who) == [chat_id]


async def test_a_group_is_seen_with_ones_own_part_in_it(house: ChatHouse) -> None:
    body = {"kind": "group", "name": "Engines", "members": ["ben"], "description": "of all kinds"}
    made = await house.call("ada", "POST", "/chats", body, expect=201)
    assert made == await house.get("ada", f"/chats/{made['id']}")
    assert (made["name"], made["description"], made["notice"]) == ("Engines", "of all kinds", "")
    assert (made["owner_id"], made["peer_id"], made["members_count"]) == (house.people["ada"].id, None, 2)
    assert made["created_at"].endswith("Z")

    await house.call("ben", "PATCH", f"/chats/{made['id']}/members/me", {"muted": True})
    parts = [await house.get(who, f"/chats/{made['id']}") for who in ("ada", "ben")]
    assert [(chat["role"], chat["muted"]) for chat in parts] == [("owner", False), ("member", True)]


async def test_unread_is_what_others_have_written_behind_the_mark(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben", "cyd")
    for who in ("ada", "ben", "ada", "cyd"):
        await house.say(who, chat_id, f"I am {who}")
    assert [await unread(house, who, chat_id) for who in ("ada", "ben", "cyd")] == [2, 3, 3]
    await house.read("ben", chat_id, 3)
    assert [await unread(house, who, chat_id) for who in ("ada", "ben", "cyd")] == [2, 1, 3]
    [chat] = (await house.get("ben", "/chats"))["items"]
    assert (chat["unread_count"], chat["read_seq"], chat["last_message"]["content"]) == (1, 3, "I am cyd")


async def test_unread_is_exact_up_to_a_thousand_and_then_the_distance(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    await house.pour("ada", chat_id, 400)
    await house.pour("ben", chat_id, 1_000)
    assert await unread(house, "ada", chat_id) == 1_000
    await house.say("ben", chat_id, "one more")
    assert await unread(house, "ada", chat_id) == 1_401
    await house.read("ada", chat_id, 401)
    assert await unread(house, "ada", chat_id) == 1_000


async def test_the_last_message_is_as_it_is_now(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    sent = await house.say("ada", chat_id, "@Ben, look")
    path = f"/chats/{chat_id}/messages/{sent['id']}"
    assert (await house.get("ben", f"/chats/{chat_id}"))["last_message"] == sent
    edited = await house.call("ada", "PATCH", path, {"content": "never mind"})
    assert (await house.get("ben", f"/chats/{chat_id}"))["last_message"] == edited
    await house.call("ada", "DELETE", path, expect=204)
    last = (await house.get("ben", f"/chats/{chat_id}"))["last_message"]
    assert (last["content"], last["mentions"], last["recalled_at"] is None) == ("", [], False)


async def test_chats_come_by_last_activity(house: ChatHouse) -> None:
    groups = [await house.group("ada", "ben", name=f"g{n}") for n in range(3)]
    assert await ids(house, "ben") == groups[::-1]
    await house.say("ada", groups[0], "up")
    assert await ids(house, "ben") == [groups[0], groups[2], groups[1]]
    assert await ids(house, "cyd") == []


async def test_no_chat_comes_twice_while_chats_wake_up(house: ChatHouse) -> None:
    groups = [await house.group("ada", name=f"g{n}") for n in range(7)]
    seen, cursor = [], ""
    for _ in range(4):
        page = await house.get("ada", f"/chats?limit=2{cursor}")
        seen += [chat["id"] for chat in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
        await house.say("ada", seen[0], "up")
    assert seen == groups[::-1]
    assert page["next_cursor"] is None


async def test_a_page_that_ends_with_the_list_leads_nowhere(house: ChatHouse) -> None:
    for n in range(2):
        await house.group("ada", name=f"g{n}")
    assert (await house.get("ada", "/chats?limit=2"))["next_cursor"] is None
    assert (await house.get("ada", "/chats?limit=1"))["next_cursor"] is not None


async def test_members_come_by_when_they_joined(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "dan")
    for name in ("ben", "cyd"):
        added = await house.call("ada", "POST", f"/chats/{chat_id}/members", {"user_id": name}, expect=201)
        assert added["user_id"] == house.people[name].id
    first = await house.get("ben", f"/chats/{chat_id}/members?limit=3")
    rest = await house.get("ben", f"/chats/{chat_id}/members?limit=3&cursor={first['next_cursor']}")
    names = [member["username"] for member in (*first["items"], *rest["items"])]
    assert (sorted(names[:2]), names[2:]) == (["ada", "dan"], ["Ben", "cyd"])
    assert rest["next_cursor"] is None


async def test_who_joins_has_read_what_was_said_before(house: ChatHouse) -> None:
    chat_id = await house.group("ada")
    await house.say("ada", chat_id, "one")
    added = await house.call("ada", "POST", f"/chats/{chat_id}/members", {"user_id": "ben"}, expect=201)
    chat = await house.get("ben", f"/chats/{chat_id}")
    assert added["read_seq"] == chat["read_seq"] == 2
    assert (chat["unread_count"], chat["last_message"]["content"]) == (0, "ada added Ben")
    assert await house.seqs("ben", chat_id) == [1, 2]


async def test_members_are_seen_online_and_where_not_when_they_were(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben", "cyd")

    async def seen() -> dict[str, tuple[bool, Any]]:
        page = await house.get("ada", f"/chats/{chat_id}/members")
        return {member["username"]: (member["online"], member["last_seen_at"]) for member in page["items"]}

    assert set((await seen()).values()) == {(False, None)}
    async with house.served.http.ws_connect("/connection/websocket") as socket:
        await socket.send_json({"id": 1, "connect": {"token": house.people["ben"].token}})
        assert "connect" in await socket.receive_json()
        assert await seen() == {"ada": (False, None), "Ben": (True, None), "cyd": (False, None)}

    async def gone() -> bool:
        return not (await seen())["Ben"][0]

    await until(gone)
    assert (await seen())["Ben"][1].endswith("Z")
    assert (await seen())["cyd"] == (False, None)


async def test_the_chat_of_somebody_whose_account_has_ended_is_still_there(house: ChatHouse) -> None:
    chat_id = await house.direct("ada", "dan")
    await house.say("dan", chat_id, "remember me")
    await house.call("dan", "DELETE", "/users/me", expect=204)

    async def alone() -> bool:
        return bool((await house.get("ada", f"/chats/{chat_id}"))["members_count"] == 1)

    await until(alone)
    chat = await house.get("ada", f"/chats/{chat_id}")
    assert (chat["name"], chat["peer_id"]) == ("", None)
    assert "remember me" in [
        message["content"] for message in (await house.get("ada", f"/chats/{chat_id}/messages"))["items"]
    ]


async def test_who_has_left_sees_nothing_any_more(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    sent = await house.say("ada", chat_id, "hello")
    await house.call("ben", "DELETE", f"/chats/{chat_id}/members/me", expect=204)
    for path in ("", "/messages", "/members"):
        await house.get("ben", f"/chats/{chat_id}{path}", expect=404)
    await house.get("ben", f"/messages/{sent['id']}", expect=404)
    assert await ids(house, "ben") == []


async def test_views_are_whole_while_all_talk_at_once(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")

    async def look() -> None:
        for _ in range(20):
            chat = await house.get("ben", f"/chats/{chat_id}")
            last = chat["last_message"]
            assert (last["seq"] if last else 0) == chat["unread_count"]

    await asyncio.gather(house.pour("ada", chat_id, 200), look())
