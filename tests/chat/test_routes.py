"""What can be done with chats over HTTP: how they begin, who is in them, what is said."""

import asyncio
from typing import Any

from actors.messages.chat import CreateChat, SeenChat
from tests.chat.served import ChatHouse


async def begin(house: ChatHouse, who: str, body: Any, key: str = "") -> tuple[int, Any, bool]:
    """Ask for a chat: status, answer, and whether it is the answer to an earlier request."""
    headers = {"Authorization": f"Bearer {house.people[who].token}"} | ({"Idempotency-Key": key} if key else {})
    async with house.served.http.post("/api/v1/chats", json=body, headers=headers) as answer:
        return answer.status, await answer.json(), "Idempotency-Replayed" in answer.headers


async def test_two_people_have_one_direct_chat_whoever_asks(house: ChatHouse) -> None:
    status, made, _ = await begin(house, "ada", {"kind": "direct", "member": "BEN"})
    assert (status, made["name"]) == (201, "Ben")
    for who, member in (
        ("ada", house.people["ben"].id),
        ("ada", "ben"),
        ("ben", "ada"),
        ("ben", house.people["ada"].id),
    ):
        status, found, _ = await begin(house, who, {"kind": "direct", "member": member})
        assert (status, found["id"]) == (200, made["id"])
    assert (await begin(house, "ada", {"kind": "direct", "member": "cyd"}))[0] == 201


async def test_a_hundred_who_ask_at_once_get_one_direct_chat(house: ChatHouse) -> None:
    wishes = [("ada", "ben"), ("ben", "ada")] * 50
    answers: list[SeenChat] = await asyncio.gather(
        *(house.ask(who, CreateChat(kind="direct", member=other)) for who, other in wishes)
    )
    assert len({answer.chat.id for answer in answers}) == 1
    assert [answer.made for answer in answers].count(True) == 1
    assert len(await house.sql("select from chat")) == 1


async def test_a_group_has_its_owner_and_each_member_once(house: ChatHouse) -> None:
    members = ["ben", "BEN", house.people["ben"].id, "ada", "cyd"]
    chat_id = await house.group("ada", *members)
    people = (await house.get("cyd", f"/chats/{chat_id}/members"))["items"]
    assert sorted((person["username"], person["role"]) for person in people) == [
        ("Ben", "member"), ("ada", "owner"), ("cyd", "member"),
    ]  # fmt: skip


async def test_a_group_may_be_large_and_not_larger(house: ChatHouse) -> None:
    crowd = await house.crowd(1_001)
    body = {"kind": "group", "name": "All", "members": crowd[:1_000]}
    status, made, _ = await begin(house, "ada", body)
    assert (status, made["members_count"]) == (201, 1_001)
    status, problem, _ = await begin(house, "ada", {**body, "members": crowd})
    assert (status, problem["errors"][0]["path"]) == (400, "$.members")


async def test_a_key_brings_somebody_in_once_and_shows_them_as_they_are_now(house: ChatHouse) -> None:
    chat_id = await house.group("ada")
    path, body = f"/chats/{chat_id}/members", {"user_id": "ben"}
    ben = await house.call("ada", "POST", path, body, expect=201, key="k")
    await house.call("ada", "PATCH", f"{path}/{ben['user_id']}", {"role": "admin"})
    again = await house.call("ada", "POST", path, body, expect=201, key="k")
    assert (again["user_id"], again["role"]) == (ben["user_id"], "admin")
    await house.call("ada", "POST", path, {"user_id": "cyd"}, expect=422, key="k")
    await house.call("ben", "DELETE", f"{path}/me", expect=204)
    await house.call("ada", "POST", path, body, expect=404, key="k")
    assert len((await house.get("ada", path))["items"]) == 1, "a replay brings nobody back"


async def test_a_key_begins_one_group_and_shows_it_as_it_is_now(house: ChatHouse) -> None:
    body = {"kind": "group", "name": "Engines", "members": ["ben"]}
    _, made, _ = await begin(house, "ada", body, key="k")
    await house.call("ada", "PATCH", f"/chats/{made['id']}", {"name": "Mills"})
    status, again, replayed = await begin(house, "ada", body, key="k")
    assert (status, again["id"], again["name"], replayed) == (201, made["id"], "Mills", True)
    status, problem, _ = await begin(house, "ada", {**body, "name": "Other"}, key="k")
    assert (status, problem["code"]) == (422, "unprocessable")
    assert (await begin(house, "ben", body, key="k"))[1]["id"] != made["id"]
    assert len(await house.sql("select from chat")) == 2


async def test_a_key_holds_for_a_direct_chat_that_was_there(house: ChatHouse) -> None:
    chat_id = await house.direct("ada", "ben")
    for _ in range(2):
        status, found, _ = await begin(house, "ben", {"kind": "direct", "member": "ada"}, key="k")
        assert (status, found["id"]) == (200, chat_id)


async def test_a_message_is_sent_once_for_its_client_id(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    path, body = f"/chats/{chat_id}/messages", {"content": "hello", "client_id": "phone-1"}
    sent = await house.call("ada", "POST", path, body, expect=201)
    assert await house.call("ada", "POST", path, body, expect=200) == sent
    assert (await house.call("ben", "POST", path, body, expect=201))["id"] != sent["id"]
    assert await house.seqs("ada", chat_id) == [1, 2]


async def test_a_message_is_sent_once_for_a_key(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    path, body = f"/chats/{chat_id}/messages", {"content": "hello"}
    sent = await house.call("ada", "POST", path, body, expect=201, key="k")
    await house.call("ada", "PATCH", f"{path}/{sent['id']}", {"content": "bye"})
    again = await house.call("ada", "POST", path, body, expect=201, key="k")
    assert (again["id"], again["content"]) == (sent["id"], "bye")
    await house.call("ada", "POST", path, {"content": "other"}, expect=422, key="k")
    assert await house.seqs("ada", chat_id) == [1]


async def test_put_means_what_patch_means(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    sent = await house.say("ada", chat_id, "hello")
    chat = await house.call("ada", "PUT", f"/chats/{chat_id}", {"description": "of brass"})
    assert (chat["name"], chat["description"]) == ("Engines", "of brass")
    message = await house.call("ada", "PUT", f"/chats/{chat_id}/messages/{sent['id']}", {"content": "bye"})
    assert (message["id"], message["content"]) == (sent["id"], "bye")
    member = await house.call("ben", "PUT", f"/chats/{chat_id}/members/me", {"muted": True})
    assert (member["username"], member["muted"]) == ("Ben", True)


async def test_what_is_named_of_a_group_changes_and_nothing_else(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    path = f"/chats/{chat_id}"
    first = await house.call("ada", "PATCH", path, {"notice": "at noon"})
    assert (first["name"], first["notice"]) == ("Engines", "at noon")
    assert await house.call("ada", "PATCH", path, {}) == await house.get("ada", path) == first
    second = await house.call("ada", "PATCH", path, {"name": "Mills", "description": "grind", "notice": ""})
    assert (second["name"], second["description"], second["notice"]) == ("Mills", "grind", "")
    assert (await house.get("ben", path))["name"] == "Mills"


async def test_members_come_rise_and_go(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    members = f"/chats/{chat_id}/members"
    ben, cyd = (f"{members}/{house.people[name].id}" for name in ("ben", "cyd"))

    added = await house.call("ada", "POST", members, {"user_id": "CYD"}, expect=201)
    assert (added["username"], added["role"], added["online"]) == ("cyd", "member", False)
    assert await house.call("ada", "POST", members, {"user_id": "cyd", "role": "admin"}, expect=201) == added

    assert (await house.call("ada", "PATCH", ben, {"role": "admin"}))["role"] == "admin"
    assert (await house.call("ben", "PATCH", cyd, {"silenced": True}))["silenced"] is True
    await house.call("ben", "DELETE", cyd, expect=204)
    assert (await house.call("ada", "PATCH", ben, {"role": "owner"}))["role"] == "owner"
    assert (await house.get("ada", f"/chats/{chat_id}"))["role"] == "admin"
    await house.call("ada", "DELETE", f"{members}/me", expect=204)
    await house.call("ben", "DELETE", f"{members}/me", expect=204)
    assert await house.sql("select from chat") == await house.sql("select from chat_read") == []


async def test_a_group_ends_with_everything_in_it(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    await house.say("ben", chat_id, "hello")
    await house.call("ada", "DELETE", f"/chats/{chat_id}", expect=204)
    for who in ("ada", "ben"):
        await house.get(who, f"/chats/{chat_id}", expect=404)
    assert await house.sql("select from chat_message") == []


async def test_who_is_writing_is_told_live(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    await house.call("ben", "POST", f"/chats/{chat_id}/typing", expect=204)
    [(stream, body)] = house.live("chat.typing")
    assert (stream, body["user_id"]) == (f"chat:{chat_id}", house.people["ben"].id)
