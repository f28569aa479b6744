"""What is refused, with which code, and that a stranger cannot tell a chat from none."""

from datetime import UTC, datetime
from typing import Any

from actors.cursors import encode_cursor
from actors.messages.chat import ListChats, ListMembers, ListMessages, SearchMessages
from actors.runtime.ids import uuid7
from handlers.chat import OPERATIONS
from handlers.cursors import marked
from tests.chat.served import ChatHouse

WRONG_CHATS: list[tuple[Any, str]] = [
    ({}, "$.kind"),
    ({"kind": "crowd"}, "$.kind"),
    ({"kind": "group", "members": ["ben"]}, "$.name"),
    ({"kind": "group", "name": ""}, "$.name"),
    ({"kind": "group", "name": "n" * 101}, "$.name"),
    ({"kind": "group", "name": "two\nlines"}, "$.name"),
    ({"kind": "group", "name": "g", "member": "ben"}, "$.member"),
    ({"kind": "group", "name": "g", "members": ["b"]}, "$.members[0]"),
    ({"kind": "group", "name": "g", "members": "ben"}, "$.members"),
    ({"kind": "group", "name": "g", "description": "d" * 1_001}, "$.description"),
    ({"kind": "group", "name": "g", "owner_id": "ben"}, "$.owner_id"),
    ({"kind": "direct"}, "$.member"),
    ({"kind": "direct", "member": None}, "$.member"),
    ({"kind": "direct", "member": "ada"}, "$.member"),
    ({"kind": "direct", "member": "ADA"}, "$.member"),
    ({"kind": "direct", "member": "ben", "name": "us"}, "$.name"),
    ({"kind": "direct", "member": "ben", "members": ["cyd"]}, "$.members"),
    ({"kind": "direct", "member": "ben", "description": "us"}, "$.description"),
]

NONSENSE: list[Any] = [
    [], "", 0, {"content": {}}, {"content": "x", "kind": "system"}, {"content": "x" * 4_001}, {"content": ""},
    {"content": "x", "reply_to": "x"}, {"content": "a\u0000b"}, {"content": "x", "file_id": ""}, {"name": ["g"]},
    {"muted": "yes"}, {"role": "king"}, {"user_id": "'; drop table chat"}, {"seq": 10**30}, {"members": [[]]},
]  # fmt: skip


async def test_a_chat_that_cannot_be_is_refused_with_what_does_not_fit(house: ChatHouse) -> None:
    for body, path in WRONG_CHATS:
        problem = await house.call("ada", "POST", "/chats", body, expect=400)
        assert (problem["code"], problem["errors"][0]["path"]) == ("invalid_request", path), body
    assert await house.sql("select from chat") == []


async def test_who_is_not_there_is_named(house: ChatHouse) -> None:
    nobody, chat_id = uuid7(), await house.group("ada")
    for name in ("nobody", nobody, nobody.upper()):
        for path, body in (
            ("/chats", {"kind": "direct", "member": name}),
            ("/chats", {"kind": "group", "name": "g", "members": ["ben", name, "cyd"]}),
            (f"/chats/{chat_id}/members", {"user_id": name}),
        ):
            problem = await house.call("ada", "POST", path, body, expect=404)
            assert (problem["code"], problem["person"]) == ("not_found", name)
    assert len(await house.sql("select from chat")) == 1


async def test_who_has_blocked_somebody_is_not_there_for_them(house: ChatHouse) -> None:
    chat_id = await house.group("ada")
    await house.call("ben", "PUT", "/profiles/ada/block", expect=204)
    for path, body in (
        ("/chats", {"kind": "direct", "member": "ben"}),
        ("/chats", {"kind": "group", "name": "g", "members": ["ben"]}),
        (f"/chats/{chat_id}/members", {"user_id": house.people["ben"].id}),
    ):
        problem = await house.call("ada", "POST", path, body, expect=404)
        assert (problem["code"], problem["detail"]) == ("not_found", f"no such person: {problem['person']}")
    problem = await house.call("ben", "POST", "/chats", {"kind": "direct", "member": "ada"}, expect=409)
    assert problem["code"] == "conflict"


async def test_a_block_ends_no_direct_chat_but_nobody_writes_there(house: ChatHouse) -> None:
    chat_id = await house.direct("ada", "ben")
    await house.say("ada", chat_id, "hello")
    await house.call("ben", "PUT", "/profiles/ada/block", expect=204)
    for who in ("ada", "ben"):
        problem = await house.call(who, "POST", f"/chats/{chat_id}/messages", {"content": "x"}, expect=403)
        assert problem["code"] == "forbidden"
        assert await house.seqs(who, chat_id) == [1]
    assert (await house.call("ben", "POST", "/chats", {"kind": "direct", "member": "ada"}))["id"] == chat_id


def about(chat_id: str, message_id: str, user_id: str) -> list[tuple[str, str, Any]]:
    """Every route that names a chat or a message, as one would call it."""
    ids = {"chat_id": chat_id, "message_id": message_id, "user_id": user_id}
    return [
        (one.method, one.path.format_map(ids), None if one.example is None else dict(one.example))
        for one in OPERATIONS
        if "{" in one.path and not one.path.endswith("/typing")
    ]


async def test_a_chat_of_others_and_none_look_alike(house: ChatHouse) -> None:
    await house.say("cyd", await house.group("cyd", "ada"), "to be in some chat helps with no other")
    for chat_id in (await house.group("ada", "ben"), await house.direct("ada", "ben")):
        sent = await house.say("ada", chat_id, "hello")
        theirs = about(chat_id, sent["id"], house.people["ada"].id)
        nobodys = about(uuid7(), uuid7(), house.people["ada"].id)
        for (method, path, body), (_, elsewhere, _) in zip(theirs, nobodys, strict=True):
            answers = [
                await house.call(
                    "cyd", method, place, {**body, "user_id": "dan"} if "user_id" in (body or {}) else body, expect=404
                )
                for place in (path, elsewhere)
            ]
            for answer in answers:
                del answer["request_id"]
            assert answers[0] == answers[1] and answers[0]["code"] == "not_found", (method, path)
        await house.call("cyd", "POST", f"/chats/{chat_id}/typing", expect=404)


async def test_who_administers_the_house_is_a_stranger_who_may_recall(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    sent = await house.say("ada", chat_id, "something that must go")
    for path in (
        f"/chats/{chat_id}",
        f"/chats/{chat_id}/messages",
        f"/chats/{chat_id}/members",
        f"/messages/{sent['id']}",
    ):
        await house.get("root", path, expect=404)
    await house.call("root", "DELETE", f"/chats/{chat_id}/messages/{sent['id']}", expect=204)
    [message] = (await house.get("ben", f"/chats/{chat_id}/messages"))["items"]
    assert (message["content"], message["recalled_at"] is None) == ("", False)


async def test_a_member_who_may_not_is_told_so(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben", "cyd")
    sent = await house.say("ada", chat_id, "hers")
    ada = f"/chats/{chat_id}/members/{house.people['ada'].id}"
    for method, path, body in (
        ("PATCH", f"/chats/{chat_id}", {"name": "mine"}),
        ("DELETE", f"/chats/{chat_id}", None),
        ("POST", f"/chats/{chat_id}/members", {"user_id": "dan"}),
        ("PATCH", ada, {"role": "member"}),
        ("PATCH", ada, {"muted": True}),
        ("DELETE", ada, None),
        ("PATCH", f"/chats/{chat_id}/messages/{sent['id']}", {"content": "mine"}),
        ("DELETE", f"/chats/{chat_id}/messages/{sent['id']}", None),
    ):
        assert (await house.call("ben", method, path, body, expect=403))["code"] == "forbidden", (method, path)
    assert (await house.call("ada", "DELETE", f"/chats/{chat_id}/members/me", expect=409))["code"] == "conflict"

    direct = await house.direct("ada", "ben")
    for method, path, body in (
        ("PATCH", f"/chats/{direct}", {"name": "us"}),
        ("DELETE", f"/chats/{direct}", None),
        ("POST", f"/chats/{direct}/members", {"user_id": "dan"}),
        ("DELETE", f"/chats/{direct}/members/me", None),
    ):
        assert (await house.call("ada", method, path, body, expect=403))["code"] == "forbidden", (method, path)


async def test_who_is_no_member_is_not_found_in_the_chat(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    for user_id in (house.people["cyd"].id, uuid7(), "x"):
        path = f"/chats/{chat_id}/members/{user_id}"
        assert (await house.call("ada", "PATCH", path, {"role": "admin"}, expect=404))["code"] == "not_found"
        assert (await house.call("ada", "DELETE", path, expect=404))["code"] == "not_found"


async def test_a_message_of_another_chat_is_not_in_this_one(house: ChatHouse) -> None:
    here, there = await house.group("ada"), await house.group("ada")
    sent = await house.say("ada", there, "there")
    await house.call("ada", "PATCH", f"/chats/{here}/messages/{sent['id']}", {"content": "x"}, expect=404)
    await house.call("ada", "DELETE", f"/chats/{here}/messages/{sent['id']}", expect=404)
    problem = await house.call(
        "ada", "POST", f"/chats/{here}/messages", {"content": "x", "reply_to": sent["id"]}, expect=400
    )
    assert problem["errors"][0]["path"] == "$.reply_to"


def lists(chat_id: str) -> dict[str, tuple[str, Any]]:
    """Lists with the route and the message behind each."""
    return {
        f"/chats/{chat_id}/messages?": ("GET /chats/{chat_id}/messages", ListMessages(chat_id=chat_id)),
        f"/chats/{chat_id}/messages?q=note&": (
            "GET /chats/{chat_id}/messages", ListMessages(chat_id=chat_id, q="note"),
        ),
        "/chats?": ("GET /chats", ListChats()),
        "/messages?q=note&": ("GET /messages", SearchMessages(q="note")),
        f"/chats/{chat_id}/members?": ("GET /chats/{chat_id}/members", ListMembers(chat_id=chat_id)),
    }  # fmt: skip


async def test_a_cursor_of_another_list_is_refused(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    await house.pour("ada", chat_id, 3)
    page = await house.get("ada", f"/chats/{chat_id}/messages?limit=1")
    numbers, moments = page["next_cursor"], (await house.get("ada", f"/chats/{chat_id}/members?limit=1"))["next_cursor"]
    now = datetime.now(UTC)
    keys: list[Any] = [None, [], (True, -1), (True, 2**60), (True, "1"), (1, 1), ("x", uuid7()), (now, "x")]
    texts = [encode_cursor(key) for key in keys]
    for path, asked in lists(chat_id).items():
        forged = [marked(text, *asked) for text in texts]
        for cursor in (numbers if "messages?" not in path else moments, *texts, *forged, "%F0%9F%91%8D", "x"):
            problem = await house.get("ada", f"{path}cursor={cursor}", expect=400)
            assert problem["errors"][0]["path"] == "$.cursor", (path, cursor)


async def test_moments_at_the_ends_of_time_are_cursors_like_others(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    await house.say("ada", chat_id, "note")
    for at in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)):
        cursor = encode_cursor((at, uuid7()))
        for path in ("/chats?", "/messages?q=note&", f"/chats/{chat_id}/members?"):
            await house.get("ada", f"{path}cursor={marked(cursor, *lists(chat_id)[path])}")


async def test_a_cursor_is_good_for_the_same_question_only(house: ChatHouse) -> None:
    chat_id, other = await house.group("ada", "ben"), await house.group("ada", "ben")
    await house.pour("ada", chat_id, 4)
    cursor = (await house.get("ada", f"/chats/{chat_id}/messages?q=note&limit=1"))["next_cursor"]

    await house.get("ada", f"/chats/{chat_id}/messages?q=note&limit=2&cursor={cursor}")
    for path in (
        f"/chats/{chat_id}/messages?",
        f"/chats/{chat_id}/messages?q=not&",
        f"/chats/{other}/messages?q=note&",
    ):
        problem = await house.get("ada", f"{path}cursor={cursor}", expect=400)
        assert problem["errors"][0]["path"] == "$.cursor", path


async def test_nonsense_is_refused_everywhere_and_changes_nothing(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    sent = await house.say("ada", chat_id, "hello")
    before = await house.get("ada", f"/chats/{chat_id}")
    headers = {"Authorization": f"Bearer {house.people['ada'].token}"}
    for method, path, _ in about(chat_id, sent["id"], house.people["ben"].id):
        if method in {"GET", "DELETE"}:
            continue
        for body in NONSENSE:
            async with house.served.http.request(method, f"/api/v1{path}", json=body, headers=headers) as answer:
                assert answer.status == 400, (method, path, body, await answer.text())
    assert await house.get("ada", f"/chats/{chat_id}") == before
