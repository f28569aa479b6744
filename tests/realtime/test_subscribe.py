"""Channels: who may be in them, and who is."""

import pytest

from tests.realtime.conftest import RealtimeHouse
from tests.realtime.world import ALICE, BOB, CHAT, OTHER_TASK, TASK

MINE = f"task:{TASK}"
ROOM = f"chat:{CHAT}"


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        pytest.param("5", 102, id="numeric"),
        pytest.param("", 102, id="empty"),
        pytest.param("task:", 102, id="no id"),
        pytest.param("task:7", 102, id="not an id"),
        pytest.param(f"task:{TASK}\n", 102, id="line break"),
        pytest.param("nothing:known", 102, id="unknown kind"),
        pytest.param("system:secrets", 102, id="unknown system channel"),
        pytest.param(f"task:{OTHER_TASK}", 103, id="not mine or not there"),
        pytest.param("system:logs", 103, id="for admins"),
        pytest.param("courier:AB", 103, id="for couriers"),
        pytest.param(f"user:{BOB}", 103, id="somebody else's"),
        pytest.param(f"user:{ALICE}", 105, id="subscribed by the house"),
    ],
)
async def test_refused_subscriptions(house: RealtimeHouse, channel: str, code: int) -> None:
    wire = await house.wire()
    assert (await wire.ask(subscribe={"channel": channel}))["error"]["code"] == code
    assert house.realtime.statistics().subscriptions == 1


async def test_publications_reach_subscribers_with_their_offset(house: RealtimeHouse) -> None:
    wire = await house.wire()
    result = (await wire.ask(subscribe={"channel": MINE}))["subscribe"]
    assert result == {
        "recoverable": True,
        "positioned": True,
        "epoch": "life-1",
        "offset": 0,
        "publications": [],
        "recovered": False,
        "was_recovering": False,
    }
    house.publish(MINE, number=1)
    assert await wire.push() == {
        "channel": MINE,
        "pub": {"data": {"type": "task.progressed", "number": 1}, "offset": 1},
    }
    assert (await wire.ask(subscribe={"channel": MINE}))["error"]["code"] == 105
    assert (await wire.ask(unsubscribe={"channel": MINE}))["unsubscribe"] == {}
    assert (await wire.ask(unsubscribe={"channel": MINE}))["unsubscribe"] == {}
    house.publish(MINE, number=2)
    assert "ping" in await wire.ask(ping={})
    assert not wire.pushes


async def test_what_is_published_in_one_turn_arrives_in_one_frame(house: RealtimeHouse) -> None:
    wire = await house.wire()
    await wire.ask(subscribe={"channel": MINE})
    before = wire.frames
    for number in range(100):
        house.publish(MINE, number=number)
    assert await wire.offsets(100) == list(range(1, 101))
    assert wire.frames == before + 1


async def test_a_channel_without_a_stream_is_not_recoverable(house: RealtimeHouse) -> None:
    house.members.allowed.add((ALICE, "courier:AB12"))
    wire = await house.wire()
    reply = await wire.ask(subscribe={"channel": "courier:AB12", "recover": True, "offset": 3, "epoch": "x"})
    assert reply["subscribe"]["recoverable"] is False
    house.realtime.hub.publish("courier:AB12", None, b'{\n"type":"delivery.offered"}')
    assert (await wire.push())["pub"] == {"data": {"type": "delivery.offered"}}
    assert (await wire.ask(history={"channel": "courier:AB12"}))["error"]["code"] == 108


async def test_the_101st_channel_is_refused(house: RealtimeHouse) -> None:
    channels = [f"task:00000000-0000-7000-8000-{number:012x}" for number in range(101)]
    house.members.allowed = {(ALICE, channel) for channel in channels}
    wire = await house.wire()
    replies = [await wire.ask(subscribe={"channel": channel}) for channel in channels]
    assert ["error" in reply for reply in replies] == [False] * 100 + [True]
    assert replies[-1]["error"]["code"] == 106


async def test_members_see_who_is_there_and_who_comes_and_goes(house: RealtimeHouse) -> None:
    alice, bob, twin = await house.wire(), await house.wire(BOB), await house.wire(BOB)
    await alice.ask(subscribe={"channel": ROOM, "join_leave": True})
    client = bob.hello["connect"]["client"]
    await bob.ask(subscribe={"channel": ROOM})
    assert await alice.push() == {"channel": ROOM, "join": {"info": {"user": BOB, "client": client}}}
    await twin.ask(subscribe={"channel": ROOM})
    await alice.push()
    present = (await alice.ask(presence={"channel": ROOM}))["presence"]["presence"]
    assert present[client] == {"user": BOB, "client": client}
    stats = await alice.ask(presence_stats={"channel": ROOM})
    assert stats["presence_stats"] == {"num_clients": 3, "num_users": 2}
    await bob.close()
    assert await alice.push() == {"channel": ROOM, "leave": {"info": {"user": BOB, "client": client}}}
    assert not twin.pushes
    refused = await twin.ask(presence={"channel": MINE})
    assert refused["error"]["code"] == 103


async def test_a_lost_membership_ends_the_subscription(house: RealtimeHouse) -> None:
    alice, bob = await house.wire(), await house.wire(BOB)
    await alice.ask(subscribe={"channel": ROOM})
    await bob.ask(subscribe={"channel": ROOM})
    house.realtime.hub.unsubscribe(ROOM, BOB)
    push = await bob.push()
    assert (push["channel"], push["unsubscribe"]["code"]) == (ROOM, 2000)
    house.publish(ROOM, number=1)
    assert await alice.offsets(1) == [1]
    assert "ping" in await bob.ask(ping={})
    assert not bob.pushes


async def test_history_shows_pages_of_the_stream(house: RealtimeHouse) -> None:
    for number in range(10):
        house.publish(MINE, number=number)
    wire = await house.wire()

    async def page(**wanted: object) -> list[int]:
        reply = (await wire.ask(history={"channel": MINE, **wanted}))["history"]
        assert (reply["offset"], reply["epoch"]) == (10, "life-1")
        return [publication["offset"] for publication in reply["publications"]]

    assert await page() == []
    assert await page(limit=3) == [1, 2, 3]
    assert await page(limit=3, since={"offset": 7, "epoch": "life-1"}) == [8, 9, 10]
    assert await page(limit=2, reverse=True) == [10, 9]
    assert await page(limit=2, reverse=True, since={"offset": 4, "epoch": "life-1"}) == [3, 2]
    assert len(await page(limit=-1)) == 10
    foreign = await wire.ask(history={"channel": MINE, "limit": 1, "since": {"offset": 1, "epoch": "other"}})
    assert foreign["error"]["code"] == 112
    denied = await wire.ask(history={"channel": f"task:{OTHER_TASK}", "limit": 1})
    assert denied["error"]["code"] == 103
