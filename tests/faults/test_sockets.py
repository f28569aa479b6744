"""Garbage, foreign pages and strangers on the sockets of a running house: a code each, and nothing is changed."""

import json
from typing import Any

import aiohttp
import pytest

from tests.faults.world import World

DEEP = '{"id":2,"rpc":{"method":"task.create","data":' + "[" * 20_000 + "]" * 20_000 + "}}"


async def opened(world: World, client: aiohttp.ClientSession, token: str) -> aiohttp.ClientWebSocketResponse:
    """A connected socket."""
    socket = await client.ws_connect(f"{world.house.url}/connection/websocket")
    await socket.send_json({"id": 1, "connect": {"token": token}})
    assert "connect" in json.loads((await socket.receive_str(timeout=5)).split("\n")[0])
    return socket


async def reply(socket: aiohttp.ClientWebSocketResponse, command: dict[str, Any]) -> dict[str, Any]:
    """The reply to one command."""
    await socket.send_json({"id": 2, **command})
    while True:
        for line in (await socket.receive_str(timeout=5)).split("\n"):
            said: dict[str, Any] = json.loads(line)
            if said.get("id") == 2:
                return said


async def end_of(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code that the house closed with."""
    while (await socket.receive(5)).type is aiohttp.WSMsgType.TEXT:
        pass
    return socket.close_code


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("garbage", 3501),
        ("", 3501),
        ("[]", 3501),
        ("null", 3501),
        ('{"id":1}', 3501),
        ('{"id":"x","connect":{}}', 3501),
        ('{"id":1,"subscribe":{"channel":"x"}}', 3501),
        ('{"id":1,"connect":{"token":5}}', 3501),
        ('{"id":1,"connect":{"token":"forged"}}', 3500),
        ('{"id":1,"connect":{"token":"a\\u0000b"}}', 3500),
        (DEEP, 3501),
        ("x" * 70_000, 1009),
        (b"\xff\x00\xfe", 3501),
    ],
    ids=str,
)
async def test_a_first_frame_that_is_none_closes(
    untouched: World, client: aiohttp.ClientSession, frame: str | bytes, code: int
) -> None:
    socket = await client.ws_connect(f"{untouched.house.url}/connection/websocket")
    await (socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame))
    assert await end_of(socket) == code


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"subscribe": {"channel": ""}}, 102),
        ({"subscribe": {"channel": "a\0b"}}, 102),
        ({"subscribe": {"channel": "no such kind"}}, 102),
        ({"subscribe": {"channel": "user:{ada}"}}, 103),
        ({"subscribe": {"channel": "task:{task}"}}, 103),
        ({"subscribe": {"channel": "task:01990a1b-5c00-7000-8000-00000000000b"}}, 103),
        ({"subscribe": {"channel": "account:{ada}"}}, 102),
        ({"subscribe": {"channel": "system:logs"}}, 103),
        ({"history": {"channel": "task:{task}", "limit": 10}}, 103),
        ({"presence": {"channel": "user:{ada}"}}, 103),
        ({"publish": {"channel": "task:{task}", "data": {}}}, 103),
        ({"rpc": {"method": "no.such", "data": {}}}, 104),
        ({"rpc": {"method": "task.get", "data": {"task_id": "{task}"}}}, 1404),
        ({"rpc": {"method": "task.cancel", "data": {"task_id": "{task}"}}}, 1404),
        ({"rpc": {"method": "task.get", "data": {"task_id": 5}}}, 1404),
        ({"rpc": {"method": "task.get", "data": {}}}, 1400),
        ({"rpc": {"method": "task.get", "data": []}}, 1400),
        ({"rpc": {"method": "task.create", "data": {"type": "a\0b", "params": {}}}}, 1400),
        ({"rpc": {"method": "task.create", "data": {"type": "a", "params": {"x": "\0"}}}}, 1400),
        ({"rpc": {"method": "task.create", "data": {"type": "a", "params": {}, "nobody_knows": 1}}}, 1400),
        ({"rpc": {"method": "notification.read", "data": {"notification_id": "{notice}"}}}, 1404),
        ({"refresh": {"token": "forged"}}, 3500),
    ],
    ids=str,
)
async def test_a_command_that_may_not_be_is_answered_with_its_code(
    untouched: World, client: aiohttp.ClientSession, command: dict[str, Any], code: int
) -> None:
    names = {
        "{ada}": untouched.ada.id,
        "{task}": untouched.ids["task_id"],
        "{notice}": untouched.ids["notification_id"],
    }
    text = json.dumps(command)
    for name, value in names.items():
        text = text.replace(name, value)
    socket = await opened(untouched, client, untouched.eve.token)
    if code >= 3000:
        await socket.send_json({"id": 2, **json.loads(text)})
        assert await end_of(socket) == code
        return
    assert (await reply(socket, json.loads(text)))["error"]["code"] == code
    assert "ping" in await reply(socket, {"ping": {}})
    await socket.close()


@pytest.mark.parametrize("page", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[::1"])
async def test_a_foreign_page_gets_no_socket(untouched: World, client: aiohttp.ClientSession, page: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect(f"{untouched.house.url}/connection/websocket", headers={"Origin": page})
    assert refused.value.status == 403


async def test_the_houses_own_page_gets_one(untouched: World, client: aiohttp.ClientSession) -> None:
    socket = await client.ws_connect(
        f"{untouched.house.url}/connection/websocket", headers={"Origin": untouched.house.url}
    )
    await socket.close()
