"""Who gets a connection, and how it ends."""

import asyncio

import msgspec
import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from handlers.ports import Revocation
from tests.realtime.conftest import RealtimeHouse, StartHouse
from tests.realtime.wire import Wire
from tests.realtime.world import ALICE, BOB, TASK


async def test_connect_answers_with_what_the_client_needs(house: RealtimeHouse) -> None:
    wire = await house.wire(name="js", version="5", data={"any": "thing"})
    result = wire.hello["connect"]
    assert result["client"]
    assert (result["version"], result["ping"], result["pong"], result["expires"]) == ("test", 25, True, True)
    assert 890 < result["ttl"] <= 900
    own = result["subs"][f"user:{ALICE}"]
    assert own["recoverable"] is True
    assert own["positioned"] is True
    assert (own["offset"], own["epoch"], own["publications"]) == (0, "life-1", [])


async def test_commands_behind_connect_in_the_same_frame_wait_for_it(house: RealtimeHouse) -> None:
    wire = await Wire.open(house.url)
    token = house.tokens.issue(ALICE)
    await wire.send(
        {"id": 1, "connect": {"token": token}},
        {"id": 2, "subscribe": {"channel": f"task:{TASK}", "flag": 1}},
        {"id": 3, "ping": {}},
        {"send": {"data": 1}},
        {"id": 4, "history": {"channel": f"task:{TASK}"}},
    )
    replies = [await wire.line() for _ in range(4)]
    assert [(reply["id"], "error" in reply) for reply in replies] == [(n, False) for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(("seconds", "code"), [pytest.param(-5, 109, id="expired")])
async def test_an_expired_token_is_told_so(house: RealtimeHouse, seconds: float, code: int) -> None:
    wire = await Wire.open(house.url)
    assert (await wire.ask(connect={"token": house.tokens.issue(ALICE, seconds)}))["error"]["code"] == code
    fresh = await wire.ask(connect={"token": house.tokens.issue(ALICE)})
    assert "connect" in fresh


async def test_no_token_is_unauthorized(house: RealtimeHouse) -> None:
    wire = await Wire.open(house.url)
    assert (await wire.ask(connect={}))["error"]["code"] == 101


async def test_a_forged_token_closes_the_connection(house: RealtimeHouse) -> None:
    wire = await Wire.open(house.url)
    await wire.send({"id": 1, "connect": {"token": "forged"}})
    assert await wire.end() == 3500


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("not json", id="not json"),
        pytest.param("[1]", id="not an object"),
        pytest.param('{"id":1,"ping":{}}', id="first is not connect"),
        pytest.param("{}", id="first is a pong"),
        pytest.param('{"id":-1,"connect":{}}', id="negative id"),
        pytest.param('{"id":1,"connect":{"token":5}}', id="wrong type"),
        pytest.param('{"connect":{"token":"x"}}', id="no id"),
        pytest.param('{"id":1,"x":' + "[" * 30_000, id="deep"),
    ],
)
async def test_a_bad_first_frame_closes_with_bad_request(house: RealtimeHouse, text: str) -> None:
    wire = await Wire.open(house.url)
    await wire.socket.send_str(text)
    assert await wire.end() == 3501


async def test_a_binary_frame_and_a_second_connect_are_bad_requests(house: RealtimeHouse) -> None:
    binary, twice = await house.wire(), await house.wire()
    await binary.socket.send_bytes(b'{"id":9,"ping":{}}')
    await twice.send({"id": 9, "connect": {"token": house.tokens.issue(ALICE)}})
    assert [await binary.end(), await twice.end()] == [3501, 3501]


async def test_a_socket_that_never_connects_is_stale(start_house: StartHouse) -> None:
    house = await start_house(connect_seconds=0.2)
    wire = await Wire.open(house.url)
    assert await wire.end() == 3502


async def test_the_eleventh_connection_of_a_user_is_refused(house: RealtimeHouse) -> None:
    wires = [await house.wire() for _ in range(10)]
    late = await Wire.open(house.url)
    await late.send({"id": 1, "connect": {"token": house.tokens.issue(ALICE)}})
    assert await late.end() == 3504
    assert "connect" in (await house.wire(BOB)).hello
    await wires.pop().close()
    await asyncio.sleep(0.05)
    wires.append(await house.wire())


async def test_too_many_positions_in_connect_break_the_channel_limit(house: RealtimeHouse) -> None:
    wire = await Wire.open(house.url)
    subs = {f"user:{number}": {"recover": True} for number in range(101)}
    await wire.send({"id": 1, "connect": {"token": house.tokens.issue(ALICE), "subs": subs}})
    assert await wire.end() == 3505


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": "http://evil.example"}, 403, id="foreign origin"),
        pytest.param({"Origin": "null"}, 403, id="no page"),
        pytest.param({"Sec-WebSocket-Protocol": "centrifuge-protobuf"}, 400, id="protobuf"),
    ],
)
async def test_a_socket_is_refused_with_a_problem_document(
    house: RealtimeHouse, headers: dict[str, str], status: int
) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await Wire.open(house.url, headers=headers)
    assert refused.value.status == status
    async with ClientSession() as session, session.get(house.url.replace("ws:", "http:"), headers=headers) as answer:
        problem = msgspec.json.decode(await answer.read())
        assert answer.content_type == "application/problem+json"
        assert (answer.status, problem["status"]) == (status, status)


async def test_the_same_origin_and_origins_on_the_list_pass(start_house: StartHouse) -> None:
    house = await start_house(allowed_origins=("https://console.example",))
    same = house.url.replace("ws:", "http:").removesuffix("/connection/websocket")
    for origin in (same, "https://console.example"):
        wire = await Wire.open(house.url, origin=origin)
        await wire.close()


async def test_a_revocation_closes_what_it_names_at_once(house: RealtimeHouse) -> None:
    token = house.tokens.issue(ALICE, session_id="phone")
    phone, laptop, bob = await Wire.open(house.url), await house.wire(), await house.wire(BOB)
    await phone.ask(connect={"token": token})
    house.tokens.revoke(Revocation(ALICE, "phone"))
    assert await phone.end() == 3500
    assert "ping" in await laptop.ask(ping={})
    house.tokens.revoke(Revocation(ALICE, None, "s1"))
    assert "ping" in await laptop.ask(ping={})
    house.tokens.revoke(Revocation(ALICE))
    assert await laptop.end() == 3500
    assert "ping" in await bob.ask(ping={})
    again = await Wire.open(house.url)
    await again.send({"id": 1, "connect": {"token": token}})
    assert await again.end() == 3500


async def test_shutdown_closes_everything_and_lets_nobody_in(house: RealtimeHouse) -> None:
    wires = [await house.wire() for _ in range(5)]
    ends = asyncio.gather(*(wire.end() for wire in wires))
    await house.realtime.close_all(0.2)
    assert await ends == [3001] * 5
    with pytest.raises(WSServerHandshakeError) as refused:
        await Wire.open(house.url)
    assert refused.value.status == 503
    assert house.realtime.statistics().connections == 0


async def test_the_house_can_disconnect_a_user(house: RealtimeHouse) -> None:
    alice, bob = await house.wire(), await house.wire(BOB)
    house.realtime.disconnect(ALICE, None, 3503, "by an admin")
    assert await alice.end() == 3503
    assert "ping" in await bob.ask(ping={})
