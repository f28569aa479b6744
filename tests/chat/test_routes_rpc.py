"""Chats by rpc: the same rules and answers as over HTTP, on the socket too."""

from typing import Any

import msgspec
import pytest

from actors.errors import DomainError, Forbidden, InvalidRequest, NotFound, Unprocessable
from actors.runtime.ids import uuid7
from handlers.chat import OPERATIONS
from tests.chat.served import ChatHouse
from tests.realtime.wire import Wire

METHODS = sorted(one.rpc for one in OPERATIONS if one.rpc is not None)


async def rpc(house: ChatHouse, who: str, method: str, **data: Any) -> Any:
    """Perform an operation as one of the people."""
    performs = house.served.house._edges.realtime._house.performs
    prepared = performs.prepare(method, msgspec.json.encode(data), house.caller(who))
    return msgspec.json.decode(prepared.encode(await prepared.begin()))


def test_the_methods_have_their_names() -> None:
    assert set(METHODS) >= {
        "chat.send", "chat.edit", "chat.recall", "chat.read", "chat.typing", "chat.history", "chat.create", "chat.list",
        "chat.get", "chat.members", "chat.search", "chat.add", "chat.remove", "chat.change", "chat.delete",
    }  # fmt: skip


async def test_a_chat_lives_and_ends_by_rpc(house: ChatHouse) -> None:
    chat = await rpc(house, "ada", "chat.create", kind="group", name="Engines", members=["ben"])
    one = {"chat_id": chat["id"]}
    sent = await rpc(house, "ada", "chat.send", **one, content="hello there", client_id="c")
    assert await rpc(house, "ada", "chat.send", **one, content="hello there", client_id="c") == sent
    assert await rpc(house, "ben", "chat.history", **one, after=0, limit=5) == {"items": [sent], "next_cursor": None}
    assert (await rpc(house, "ben", "chat.history", **one, q="hello"))["items"] == [sent]
    assert (await rpc(house, "ben", "chat.search", q="hel"))["items"] == [sent]
    assert (await rpc(house, "ben", "chat.get", **one))["unread_count"] == 1
    assert await rpc(house, "ben", "chat.read", **one, seq=1) == {}
    assert (await rpc(house, "ben", "chat.list"))["items"][0]["unread_count"] == 0
    assert await rpc(house, "ben", "chat.typing", **one) == {}
    edited = await rpc(house, "ada", "chat.edit", **one, message_id=sent["id"], content="bye")
    assert (edited["id"], edited["content"]) == (sent["id"], "bye")
    assert await rpc(house, "ada", "chat.recall", **one, message_id=sent["id"]) == {}
    assert (await rpc(house, "ada", "chat.add", **one, user_id="cyd"))["username"] == "cyd"
    assert (await rpc(house, "ada", "chat.change", **one, notice="at noon"))["notice"] == "at noon"
    assert await rpc(house, "ben", "chat.remove", **one, user_id="me") == {}
    assert [one["username"] for one in (await rpc(house, "cyd", "chat.members", **one))["items"]] == ["ada", "cyd"]
    assert await rpc(house, "ada", "chat.delete", **one) == {}
    assert (await rpc(house, "ada", "chat.list"))["items"] == []


async def test_a_key_takes_effect_once_by_rpc_and_http(house: ChatHouse) -> None:
    body = {"kind": "group", "name": "Engines", "members": ["ben"]}
    made = await rpc(house, "ada", "chat.create", **body, idempotency_key="k")
    assert await house.call("ada", "POST", "/chats", body, expect=201, key="k") == made
    sent = await rpc(house, "ada", "chat.send", chat_id=made["id"], content="x", idempotency_key="s")
    assert await rpc(house, "ada", "chat.send", chat_id=made["id"], content="x", idempotency_key="s") == sent
    with pytest.raises(Unprocessable):
        await rpc(house, "ada", "chat.send", chat_id=made["id"], content="y", idempotency_key="s")


async def test_what_http_refuses_rpc_refuses(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    sent = await house.say("ada", chat_id, "hello")
    refused: list[tuple[str, str, dict[str, Any], type[DomainError]]] = [
        ("cyd", "chat.get", {"chat_id": chat_id}, NotFound),
        ("cyd", "chat.send", {"chat_id": chat_id, "content": "x"}, NotFound),
        ("cyd", "chat.read", {"chat_id": chat_id, "seq": 1}, NotFound),
        ("cyd", "chat.history", {"chat_id": chat_id}, NotFound),
        ("cyd", "chat.typing", {"chat_id": uuid7()}, NotFound),
        ("ben", "chat.delete", {"chat_id": chat_id}, Forbidden),
        ("ben", "chat.recall", {"chat_id": chat_id, "message_id": sent["id"]}, Forbidden),
        ("ada", "chat.send", {"chat_id": chat_id, "content": "x", "seq": 9}, InvalidRequest),
        ("ada", "chat.send", {"content": "x"}, InvalidRequest),
        ("ada", "chat.history", {"chat_id": chat_id, "limit": "5"}, InvalidRequest),
        ("ada", "chat.get", {"chat_id": "x"}, NotFound),
        ("ada", "chat.create", {"kind": "direct"}, InvalidRequest),
    ]
    for who, method, data, error in refused:
        with pytest.raises(error):
            await rpc(house, who, method, **data)


VALUES: list[Any] = [None, -1, 2**70, 1.5, "", "x" * 5_000, "\u0000", "' or 1=1", [], [None], {}, True, uuid7()]
FIELDS = ("chat_id", "message_id", "user_id", "seq", "before", "q", "cursor", "content", "reply_to", "members", "name")


async def test_nonsense_makes_no_crash(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    good = {"chat.create": {"kind": "group", "name": "g"}, "chat.search": {"q": "x"}, "chat.list": {}}
    codes = set()
    for method in METHODS:
        for field in FIELDS:
            for value in VALUES:
                data = {**good.get(method, {"chat_id": chat_id}), field: value}
                try:
                    await rpc(house, "ada", method, **data)
                except DomainError as error:
                    codes.add(error.code)
    assert codes == {"invalid_request", "not_found"}


async def test_a_socket_hears_what_is_said_and_read(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    channel = f"chat:{chat_id}"
    wire = await Wire.open(house.served.url.replace("http", "ws", 1) + "/connection/websocket")
    try:
        await wire.ask(connect={"token": house.people["ben"].token})
        await wire.ask(subscribe={"channel": channel})

        async def heard() -> Any:
            while (push := await wire.push())["channel"] != channel:
                pass
            return push["pub"]

        sent = await house.say("ada", chat_id, "hello")
        assert (await heard())["data"]["message"] == sent
        assert (await wire.ask(rpc={"method": "chat.read", "data": {"chat_id": chat_id, "seq": 1}}))["rpc"] == {
            "data": {}
        }
        read = await heard()
        assert (read["data"]["type"], read["data"]["seq"], "offset" in read) == ("chat.read", 1, False)
        refused = await wire.ask(rpc={"method": "chat.get", "data": {"chat_id": "x"}})
        assert refused["error"]["code"] == 1404
    finally:
        await wire.close()
