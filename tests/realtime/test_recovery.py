"""Gapless, or said so."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from handlers.ports import Publication
from tests.realtime.conftest import RealtimeHouse, StartHouse
from tests.realtime.world import ALICE, TASK, EventList

MINE = f"task:{TASK}"


def told(reply: dict[str, Any], verb: str = "subscribe") -> tuple[bool, list[int], int]:
    """Return whether it was recovered, the offsets told, and where the client stands."""
    result = reply[verb]
    assert result["was_recovering"] is True
    return result["recovered"], [publication["offset"] for publication in result["publications"]], result["offset"]


async def recover(house: RealtimeHouse, offset: int, epoch: str = "life-1", **more: Any) -> dict[str, Any]:
    """Subscribe from a position on a new connection."""
    wire = await house.wire()
    return await wire.ask(subscribe={"channel": MINE, "recover": True, "offset": offset, "epoch": epoch, **more})


async def test_what_was_missed_comes_with_the_subscription(house: RealtimeHouse) -> None:
    for number in range(10):
        house.publish(MINE, number=number)
    assert told(await recover(house, 4)) == (True, [5, 6, 7, 8, 9, 10], 10)
    assert told(await recover(house, 10)) == (True, [], 10)
    assert told(await recover(house, 0)) == (True, list(range(1, 11)), 10)


@pytest.mark.parametrize(
    ("offset", "epoch"),
    [
        pytest.param(4, "life-0", id="foreign epoch"),
        pytest.param(4, "", id="no epoch"),
        pytest.param(11, "life-1", id="ahead of the head"),
        pytest.param(2**62, "life-1", id="far ahead of the head"),
        pytest.param(1, "life-1", id="behind the retention"),
    ],
)
async def test_what_cannot_be_recovered_is_said(house: RealtimeHouse, offset: int, epoch: str) -> None:
    for number in range(10):
        house.publish(MINE, number=number)
    house.events.forget(MINE, 3)
    assert told(await recover(house, offset, epoch)) == (False, [], 10)
    assert (await recover(house, offset, epoch, flag=3))["error"]["code"] == 112
    assert house.realtime.statistics().subscriptions == 3  # two users' own channels and one task
    assert told(await recover(house, 3)) == (True, [4, 5, 6, 7, 8, 9, 10], 10)


async def test_a_recovery_holds_1000_publications_and_512_kib(house: RealtimeHouse) -> None:
    for number in range(1_001):
        house.publish(MINE, number=number)
    assert told(await recover(house, 0)) == (False, [], 1_001)
    recovered, offsets, _ = told(await recover(house, 1))
    assert (recovered, offsets) == (True, list(range(2, 1_002)))
    house.publish(MINE, text="x" * 500_000)
    assert told(await recover(house, 1_001))[0] is True
    house.publish(MINE, text="x" * 100_000)
    assert told(await recover(house, 1_001)) == (False, [], 1_003)
    assert told(await recover(house, 1_002))[0] is True


async def test_a_connection_recovers_its_users_channel(house: RealtimeHouse) -> None:
    own = f"user:{ALICE}"
    for number in range(5):
        house.publish(own, number=number)
    wire = await house.wire(subs={own: {"recover": True, "epoch": "life-1", "offset": 2}, "task:x": {}})
    assert told(wire.hello["connect"]["subs"], own) == (True, [3, 4, 5], 5)
    assert list(wire.hello["connect"]["subs"]) == [own]
    house.publish(own, number=5)
    assert await wire.offsets(1) == [6]
    foreign = await house.wire(subs={own: {"recover": True, "epoch": "other", "offset": 2}})
    assert told(foreign.hello["connect"]["subs"], own) == (False, [], 6)


class SlowEvents(EventList):
    """Streams whose reads can be held up."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.waiting = 0

    async def read(self, channel: str, after: int, limit: int, *, reverse: bool = False) -> Sequence[Publication]:
        self.waiting += 1
        await self.gate.wait()
        return await super().read(channel, after, limit, reverse=reverse)


async def test_what_is_published_during_a_recovery_is_told_once_and_in_order(start_house: StartHouse) -> None:
    events = SlowEvents()
    house = await start_house(events=events)
    for number in range(5):
        house.publish(MINE, number=number)
    wire = await house.wire()
    await wire.send(
        {"id": 70, "subscribe": {"channel": MINE, "recover": True, "offset": 2, "epoch": "life-1"}},
    )
    while not events.waiting:
        await asyncio.sleep(0.01)
    for number in range(5, 300):
        house.publish(MINE, number=number)
    house.realtime.hub.publish(MINE, None, b'{"type":"without.offset"}')
    events.gate.set()
    recovered, offsets, position = told(await wire.line())
    assert recovered
    assert (offsets[0], offsets[-1]) == (3, position)
    while len(offsets) < 298:
        offsets += await wire.offsets(1)
    assert offsets == list(range(3, 301))
    assert (await wire.push())["pub"] == {"data": {"type": "without.offset"}}


async def test_a_commit_that_the_hub_hears_of_late_is_not_told_twice(house: RealtimeHouse) -> None:
    first, second = await house.wire(), await house.wire()
    await first.ask(subscribe={"channel": MINE})
    late = [house.commit(MINE, number=number) for number in range(3)]
    reply = await second.ask(subscribe={"channel": MINE, "recover": True, "offset": 0, "epoch": "life-1"})
    assert told(reply) == (True, [1, 2, 3], 3)
    for offset, data in late:
        house.realtime.hub.publish(MINE, offset, data)
    house.publish(MINE, number=3)
    assert await first.offsets(4) == [1, 2, 3, 4]
    assert await second.offsets(1) == [4]


async def test_a_channel_taken_away_during_a_recovery_is_denied(start_house: StartHouse) -> None:
    events = SlowEvents()
    house = await start_house(events=events)
    house.publish(MINE, number=0)
    wire = await house.wire()
    await wire.send({"id": 70, "subscribe": {"channel": MINE, "recover": True, "offset": 0, "epoch": "life-1"}})
    while not events.waiting:
        await asyncio.sleep(0.01)
    house.realtime.hub.unsubscribe(MINE, ALICE)
    events.gate.set()
    assert (await wire.line())["error"]["code"] == 103
    house.publish(MINE, number=1)
    assert "ping" in await wire.ask(ping={})
    assert not wire.pushes


class BrokenEvents(EventList):
    """Streams that are down."""

    is_down = False

    async def read(self, channel: str, after: int, limit: int, *, reverse: bool = False) -> Sequence[Publication]:
        if self.is_down:
            raise ConnectionError("down")
        return await super().read(channel, after, limit, reverse=reverse)


async def test_a_recovery_without_the_database_is_a_temporary_error(start_house: StartHouse) -> None:
    events = BrokenEvents()
    house = await start_house(events=events)
    house.publish(MINE, number=0)
    events.is_down = True
    error = (await recover(house, 0))["error"]
    assert (error["code"], error["temporary"]) == (100, True)
    events.is_down = False
    assert told(await recover(house, 0)) == (True, [1], 1)
