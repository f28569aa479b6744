"""Pings, tokens that end, and clients that ask too much."""

import asyncio

from tests.realtime.conftest import RealtimeHouse, StartHouse
from tests.realtime.scenarios import until
from tests.realtime.wire import Wire, transport_of
from tests.realtime.world import ALICE, BOB


async def test_a_client_that_answers_pings_stays(start_house: StartHouse) -> None:
    house = await start_house(ping_seconds=1, pong_seconds=0.5)
    wire = await house.wire()
    for _ in range(3):
        assert await wire.line() == {}
        await wire.send({})
    assert "ping" in await wire.ask(ping={})


async def test_a_client_that_answers_no_ping_is_closed(start_house: StartHouse) -> None:
    house = await start_house(ping_seconds=1, pong_seconds=0.3)
    wire = await house.wire()
    assert await wire.end() == 3012


async def test_a_connection_ends_after_its_token(start_house: StartHouse) -> None:
    house = await start_house(expiry_grace_seconds=0.5)
    wire = await Wire.open(house.url)
    reply = await wire.ask(connect={"token": house.tokens.issue(ALICE, 1.2)})
    assert reply["connect"]["ttl"] == 1
    await asyncio.sleep(1.3)
    assert "ping" in await wire.ask(ping={})
    assert await wire.end() == 3005


async def test_a_refreshed_connection_lives_on(start_house: StartHouse) -> None:
    house = await start_house(expiry_grace_seconds=0.2)
    wire = await Wire.open(house.url)
    await wire.ask(connect={"token": house.tokens.issue(ALICE, 1.1)})
    refreshed = await wire.ask(refresh={"token": house.tokens.issue(ALICE, 60)})
    assert refreshed["refresh"]["expires"] is True
    assert 50 < refreshed["refresh"]["ttl"] <= 60
    await asyncio.sleep(1.8)
    assert "ping" in await wire.ask(ping={})


async def test_refresh_refuses_expired_tokens_and_ends_with_forged_ones(house: RealtimeHouse) -> None:
    wire, other = await house.wire(), await house.wire()
    assert (await wire.ask(refresh={"token": house.tokens.issue(ALICE, -1)}))["error"]["code"] == 109
    await wire.send({"id": 7, "refresh": {"token": "forged"}})
    await other.send({"id": 7, "refresh": {"token": house.tokens.issue(BOB)}})
    assert [await wire.end(), await other.end()] == [3500, 3500]


async def test_commands_beyond_the_burst_are_refused_then_the_connection_ends(start_house: StartHouse) -> None:
    house = await start_house(commands_per_second=1, commands_burst=5)
    wire = await house.wire()
    replies = [await wire.ask(ping={}) for _ in range(9)]
    assert ["error" in reply for reply in replies] == [False] * 4 + [True] * 5
    assert replies[-1]["error"] == {"code": 111, "message": "too many requests", "temporary": True}
    await wire.send({"id": 90, "ping": {}})
    assert await wire.end() == 3013


async def test_pongs_that_nobody_asked_for_count_as_commands(start_house: StartHouse) -> None:
    house = await start_house(commands_burst=5, commands_per_second=1)
    wire = await house.wire()
    await wire.send(*[{} for _ in range(20)])
    assert await wire.end() == 3013


async def test_a_frame_over_64_kib_is_too_big_and_one_of_64_kib_is_not(house: RealtimeHouse) -> None:
    wire = await house.wire()
    largest = '{"id":50,"ping":{},"x":"' + "x" * (65_536 - 26) + '"}'
    assert len(largest) == 65_536
    await wire.socket.send_str(largest)
    assert await wire.line() == {"id": 50, "ping": {}}
    await wire.socket.send_str(largest + " ")
    assert await wire.end() == 1009
    huge = await house.wire()
    await huge.socket.send_str("x" * 3_000_000)
    assert await huge.end() in {1009, 1006}


async def test_somebody_is_here_until_the_last_of_their_sockets_is_gone(house: RealtimeHouse) -> None:
    gone: list[str] = []
    registry = house.realtime.registry
    registry.on_gone(gone.append)
    assert not registry.is_here(ALICE)
    first, second, stranger = await house.wire(), await house.wire(), await Wire.open(house.url)
    assert registry.is_here(ALICE)
    await first.close()
    await stranger.close()
    await until(lambda: house.realtime.statistics().connections == 1)
    assert registry.is_here(ALICE)
    assert gone == []
    transport_of(second).abort()
    await until(lambda: not registry.is_here(ALICE))
    assert gone == [ALICE]
