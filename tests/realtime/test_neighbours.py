"""Two houses over the same events: clients of one hear what the other publishes, and are told when they missed it."""

import asyncio
from typing import Any

import pytest

from tests.realtime.conftest import Pair
from tests.realtime.scenarios import until
from tests.realtime.wire import Wire
from tests.realtime.world import ALICE, BOB, CHAT, TASK
from tests.redis_server import RedisServer
from tests.redis_view import RedisView

MINE = f"task:{TASK}"
ROOM = f"chat:{CHAT}"


@pytest.fixture
def view(own_redis: RedisServer) -> RedisView:
    """The Redis that the two houses use."""
    return RedisView(own_redis.url)


async def subscribed(pair: Pair, channel: str = MINE, user_id: str = ALICE, **options: Any) -> Wire:
    """Somebody who listens in the second house."""
    wire = await pair.second.wire(user_id)
    reply = await wire.ask(subscribe={"channel": channel, **options})
    assert "subscribe" in reply, reply
    return wire


async def test_what_one_house_publishes_reaches_the_clients_of_the_other_once_and_in_order(pair: Pair) -> None:
    there, here = await subscribed(pair), await pair.first.wire()
    await here.ask(subscribe={"channel": MINE})
    for number in range(100):
        pair.first.publish(MINE, number=number)
    pair.second.publish(MINE, number=100)
    assert await there.offsets(101) == list(range(1, 102))
    assert await here.offsets(101) == list(range(1, 102))
    assert pair.first.events.reads == 0


async def test_it_reaches_them_where_nobody_listens_in_the_house_that_publishes(pair: Pair) -> None:
    there = await subscribed(pair)
    for number in range(3):
        pair.first.publish(MINE, number=number)
    assert await there.offsets(3) == [1, 2, 3]
    assert pair.second.events.reads == 0  # so it was heard, and not looked up


async def test_what_has_no_offset_reaches_them_too_and_not_twice(pair: Pair) -> None:
    there, here = await subscribed(pair, ROOM), await pair.first.wire()
    await here.ask(subscribe={"channel": ROOM})
    pair.first.realtime.hub.publish(ROOM, None, b'{"type":"chat.typing"}')
    pair.first.publish(ROOM)
    for wire in (there, here):
        assert (await wire.push())["pub"] == {"data": {"type": "chat.typing"}}
        assert await wire.offsets(1) == [1]
    await asyncio.sleep(0.1)
    for wire in (there, here):
        await wire.ask(ping={})
        assert not wire.pushes


async def test_one_commit_is_one_envelope_however_many_listen(pair: Pair, view: RedisView) -> None:
    wires = [await subscribed(pair) for _ in range(5)]
    await asyncio.sleep(0.1)  # what they have told of their coming is out
    before = view.published()
    body = [pair.first.commit(MINE, number=number) for number in range(50)]
    pair.first.realtime.hub.publish_all(MINE, body)
    for wire in wires:
        assert await wire.offsets(50) == list(range(1, 51))
    assert view.published() - before == 1


async def test_nobody_asks_redis_for_what_nobody_listens_to(pair: Pair, view: RedisView) -> None:
    wire = await subscribed(pair)
    assert view.listeners(MINE) == 1
    await wire.ask(unsubscribe={"channel": MINE})
    await until(lambda: view.listeners(MINE) == 0)


async def test_what_was_lost_on_the_way_is_read_with_the_next_publication(pair: Pair) -> None:
    wire = await subscribed(pair)
    pair.first.commit(MINE, number=1)
    pair.first.publish(MINE, number=2)
    assert await wire.offsets(2) == [1, 2]


async def test_what_was_lost_on_the_way_is_found_when_redis_is_heard_again(pair: Pair, view: RedisView) -> None:
    wire = await subscribed(pair)
    view.cut()
    await until(lambda: not pair.links[1].pubsub.is_hearing)
    for number in range(10):
        pair.first.commit(MINE, number=number)
    assert await asyncio.wait_for(wire.offsets(10), 2.5) == list(range(1, 11))  # not only when all is compared


async def test_a_connection_that_is_cut_again_and_again_loses_and_doubles_nothing(pair: Pair, view: RedisView) -> None:
    wires = [await subscribed(pair), await subscribed(pair), await pair.first.wire()]
    await wires[2].ask(subscribe={"channel": MINE})
    for number in range(300):
        (pair.first if number % 3 else pair.second).publish(MINE, number=number)
        if number % 50 == 25:
            view.cut()
        await asyncio.sleep(0.003)
    for wire in wires:
        assert await wire.offsets(300) == list(range(1, 301))


async def test_without_redis_the_event_table_tells(pair: Pair, own_redis: RedisServer) -> None:
    wire = await subscribed(pair)
    own_redis.kill()
    try:
        await until(lambda: not pair.links[1].pubsub.is_hearing)
        late = await subscribed(pair)
        pair.first.publish(MINE)
        assert await asyncio.wait_for(wire.offsets(1), 2) == [1]
        assert await asyncio.wait_for(late.offsets(1), 2) == [1]
    finally:
        own_redis.start()
    await pair.settle()
    pair.first.publish(MINE)
    assert await asyncio.wait_for(wire.offsets(1), 1) == [2]


async def test_a_redis_that_answers_nobody_holds_up_no_subscription_for_long(
    pair: Pair, own_redis: RedisServer
) -> None:
    own_redis.freeze()
    try:
        wire = await asyncio.wait_for(subscribed(pair), 6)
        pair.first.publish(MINE)
        assert await asyncio.wait_for(wire.offsets(1), 3) == [1]
    finally:
        own_redis.thaw()


async def test_redis_has_acknowledged_before_the_head_is_read(pair: Pair) -> None:
    """What is published between the two must be heard: neither part of the reply nor lost."""
    second, events, link = pair.second, pair.second.events, pair.links[1]
    position, told = events.position, []

    async def slow(channel: str) -> Any:
        head = await position(channel)
        if channel == MINE:
            told.append(link.pubsub.is_unheard(MINE))
            pair.first.publish(MINE)  # at once after the head was read
            await asyncio.sleep(0.05)
        return head

    events.position = slow  # type: ignore[method-assign]
    wire = await second.wire()
    reply = await wire.ask(subscribe={"channel": MINE})
    assert reply["subscribe"].get("offset", 0) == 0
    assert await wire.offsets(1) == [1]
    assert (told, events.reads) == ([False], 0)


async def test_who_is_there_counts_all_houses(pair: Pair, view: RedisView) -> None:
    here, there = await pair.first.wire(), await subscribed(pair, ROOM, BOB)
    await here.ask(subscribe={"channel": ROOM})

    async def seen(wire: Wire) -> tuple[set[str], dict[str, int]]:
        presence = (await wire.ask(presence={"channel": ROOM}))["presence"]["presence"]
        return {one["user"] for one in presence.values()}, (await wire.ask(presence_stats={"channel": ROOM}))[
            "presence_stats"
        ]

    both = {ALICE, BOB}, {"num_clients": 2, "num_users": 2}
    assert [await seen(here), await seen(there)] == [both, both]
    view.empty()
    await asyncio.sleep(1.5)
    assert [await seen(here), await seen(there)] == [both, both]
    view.cut()
    await there.ask(unsubscribe={"channel": ROOM})  # which cannot be said to anybody
    await pair.settle()
    await asyncio.sleep(1.5)
    assert await seen(here) == ({ALICE}, {"num_clients": 1, "num_users": 1})


async def test_a_channel_that_is_taken_away_in_one_house_is_gone_in_the_other_before_what_follows(pair: Pair) -> None:
    wire = await subscribed(pair, ROOM, BOB)
    staying = await subscribed(pair, ROOM)
    pair.first.realtime.hub.take_away(ROOM, BOB)
    pair.first.publish(ROOM)
    assert (await wire.push())["unsubscribe"] == {"code": 2000, "reason": "no longer a member"}
    assert await staying.offsets(1) == [1]
    assert (await wire.ask(ping={}))["id"] == 3
    assert not wire.pushes


async def test_who_may_see_a_channel_is_asked_again_when_something_was_missed(pair: Pair) -> None:
    wire, staying = await subscribed(pair, ROOM, BOB), await subscribed(pair, ROOM)
    pair.first.members.allowed.discard((BOB, ROOM))
    pair.first.commit(ROOM)  # and nobody is told, of that neither
    pair.first.publish(ROOM)
    assert await staying.offsets(2) == [1, 2]
    while "unsubscribe" not in await wire.push():
        pass


async def test_connections_of_a_person_count_in_all_houses(pair: Pair) -> None:
    wires = [await (pair.first if number % 2 else pair.second).wire() for number in range(10)]
    assert all("connect" in wire.hello for wire in wires)
    for house in (pair.first, pair.second):
        late = await Wire.open(house.url)
        await late.send({"id": 1, "connect": {"token": house.tokens.issue(ALICE)}})
        assert await late.end() == 3504
    await wires[0].close()
    await asyncio.sleep(0.1)
    assert "connect" in (await pair.first.wire()).hello


async def test_who_comes_and_goes_is_told_in_all_houses(pair: Pair) -> None:
    listener = await subscribed(pair, ROOM, BOB, join_leave=True)
    comer = await pair.first.wire()
    await comer.ask(subscribe={"channel": ROOM})
    client = comer.hello["connect"]["client"]
    assert await listener.push() == {"channel": ROOM, "join": {"info": {"user": ALICE, "client": client}}}
    await comer.close()
    assert await listener.push() == {"channel": ROOM, "leave": {"info": {"user": ALICE, "client": client}}}
