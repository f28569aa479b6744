"""Tokens that are forged, expired or ended open nothing; what they had opened is closed at once."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from actors.auth.keys import Key, open_key_ring
from tests.account.test_token import ATTACKS, claims_of
from tests.faults.world import World, call
from tests.running import Person, RunningHouse

ME = "/api/v1/users/me"
AT_ONCE_SECONDS = 1.0


def signing_key(house: RunningHouse) -> Key:
    """The key that the house signs with."""
    path = house.data / "secrets" / "signing-keys.json"
    return open_key_ring(path, kid="1", algorithm="HS256", keep_seconds=900, now=datetime.now(UTC)).current


async def connect(
    client: aiohttp.ClientSession, house: RunningHouse, token: str
) -> tuple[aiohttp.ClientWebSocketResponse, dict[str, Any]]:
    """Open a socket and send the token; returns the answer, or why the house closed it."""
    socket = await client.ws_connect(f"{house.url}/connection/websocket")
    await socket.send_json({"id": 1, "connect": {"token": token}})
    message = await socket.receive(5)
    if message.type is aiohttp.WSMsgType.TEXT:
        return socket, json.loads(message.data.split("\n")[0])
    return socket, {"closed": socket.close_code}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_token_that_is_not_ours_opens_nothing(
    untouched: World, client: aiohttp.ClientSession, attack: str
) -> None:
    house = untouched.house
    forged = ATTACKS[attack](signing_key(house), claims_of(untouched.ada.token))
    answer = await call(client, "GET", house.url + ME, headers={"Authorization": f"Bearer {forged}"})
    assert (answer.status, json.loads(answer.body)["code"]) == (401, "unauthorized")
    socket, said = await connect(client, house, forged)
    await socket.close()
    assert said == {"closed": 3500} or said["error"]["code"] == 109


End = Callable[[aiohttp.ClientSession, RunningHouse, Person], Awaitable[int]]


async def log_out(client: aiohttp.ClientSession, house: RunningHouse, person: Person) -> int:
    return (await call(client, "POST", f"{house.url}/api/v1/auth/logout", headers=person.headers)).status


async def end_session(client: aiohttp.ClientSession, house: RunningHouse, person: Person) -> int:
    url = f"{house.url}/api/v1/auth/sessions"
    sessions = json.loads((await call(client, "GET", url, headers=person.headers)).body)["items"]
    return (await call(client, "DELETE", f"{url}/{sessions[0]['id']}", headers=person.headers)).status


async def delete_account(client: aiohttp.ClientSession, house: RunningHouse, person: Person) -> int:
    return (await call(client, "DELETE", house.url + ME, headers=person.headers)).status


async def block(client: aiohttp.ClientSession, house: RunningHouse, person: Person) -> int:
    url = f"{house.url}/api/v1/users/{person.id}/status"
    return (await call(client, "PATCH", url, json={"status": "blocked"}, headers=house.admin)).status


async def reset_password(client: aiohttp.ClientSession, house: RunningHouse, person: Person) -> int:
    url = f"{house.url}/api/v1/users/{person.id}/password-reset"
    token = json.loads((await call(client, "POST", url, headers=house.admin)).body)["token"]
    body = {"token": token, "password": "another long one"}
    return (await call(client, "POST", f"{house.url}/api/v1/auth/password-reset/confirm", json=body)).status


async def use_a_refresh_token_twice(client: aiohttp.ClientSession, house: RunningHouse, person: Person) -> int:
    url, body = f"{house.url}/api/v1/auth/refresh", {"refresh_token": person.refresh_token}
    first = await call(client, "POST", url, json=body)
    assert (await call(client, "POST", url, json=body)).status == 401
    fresh = json.loads(first.body)
    headers = {"Authorization": f"Bearer {fresh['access_token']}"}
    assert (await call(client, "GET", house.url + ME, headers=headers)).status == 401
    again = {"refresh_token": fresh["refresh_token"]}
    assert (await call(client, "POST", url, json=again)).status == 401
    return first.status


async def test_the_end_of_a_session_is_the_end_of_its_tokens_and_sockets(
    house: RunningHouse, client: aiohttp.ClientSession
) -> None:
    for end in (log_out, end_session, delete_account, block, reset_password, use_a_refresh_token_twice):
        person, bystander = await house.register(client), await house.register(client)
        sockets = [(await connect(client, house, who.token))[0] for who in (person, person, bystander)]
        assert (await call(client, "GET", house.url + ME, headers=person.headers)).status == 200
        assert await end(client, house, person) < 300, end.__name__
        began = time.monotonic()
        refused = await call(client, "GET", house.url + ME, headers=person.headers)
        assert refused.status in {401, 403}, end.__name__
        for socket in sockets[:2]:
            while (await socket.receive(5)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert socket.close_code == 3500, end.__name__
        assert time.monotonic() - began < AT_ONCE_SECONDS
        again, said = await connect(client, house, person.token)
        assert said == {"closed": 3500}, end.__name__
        assert (await call(client, "GET", house.url + ME, headers=bystander.headers)).status == 200
        await sockets[2].send_json({"id": 2, "ping": {}})
        await socket_answers(sockets[2], 2)
        await asyncio.gather(again.close(), *(socket.close() for socket in sockets))
    assert house.faults() == []


async def socket_answers(socket: aiohttp.ClientWebSocketResponse, number: int) -> None:
    """Wait for the reply to a command."""
    while True:
        if any(json.loads(line).get("id") == number for line in (await socket.receive_str(timeout=5)).split("\n")):
            return


async def test_an_ended_api_key_opens_nothing(house: RunningHouse, client: aiohttp.ClientSession) -> None:
    person, url = await house.register(client), f"{house.url}/api/v1/api-keys"
    wanted = {"name": "mine", "scopes": ["read"]}
    made = json.loads((await call(client, "POST", url, json=wanted, headers=person.headers)).body)
    key = {"Authorization": f"Bearer {made['key']}"}
    assert (await call(client, "GET", house.url + ME, headers=key)).status == 200
    assert (await call(client, "PATCH", house.url + ME, json={"phone": None}, headers=key)).status == 403
    assert (await call(client, "DELETE", f"{url}/{made['id']}", headers=person.headers)).status == 204
    assert (await call(client, "GET", house.url + ME, headers=key)).status == 401
