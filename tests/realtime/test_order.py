"""Every publication once and in order, in whatever order the turns publish."""

import asyncio
import random

from actors.runtime.clock import SystemClock
from actors.runtime.ports import Stored
from tests.realtime.conftest import RealtimeHouse, StartHouse
from tests.realtime.test_recovery import BrokenEvents
from tests.realtime.world import ALICE, TASK

MINE = f"task:{TASK}"


async def test_publications_out_of_order_arrive_in_order(start_house: StartHouse) -> None:
    house = await start_house(gap_wait_seconds=1)
    wire = await house.wire()
    await wire.ask(subscribe={"channel": MINE})
    shuffle = random.Random(7).shuffle
    for _ in range(20):
        batch = [house.commit(MINE, number=number) for number in range(20)]
        shuffle(batch)
        for offset, data in batch:
            house.realtime.hub.publish(MINE, offset, data)
            await asyncio.sleep(0)
    assert await wire.offsets(400) == list(range(1, 401))
    assert house.events.reads == 0


async def test_a_gap_is_filled_from_the_event_table(house: RealtimeHouse) -> None:
    wire, twin = await house.wire(), await house.wire()
    await wire.ask(subscribe={"channel": MINE})
    await twin.ask(subscribe={"channel": MINE})
    house.publish(MINE, number=1)
    lost = [house.commit(MINE, number=number) for number in range(2, 6)]
    house.publish(MINE, number=6)
    house.publish(MINE, number=7)
    assert await wire.offsets(7) == list(range(1, 8))
    assert house.events.reads == 1
    for offset, data in lost:
        house.realtime.hub.publish(MINE, offset, data)
    house.publish(MINE, number=8)
    assert await wire.offsets(1) == [8]
    assert await twin.offsets(8) == list(range(1, 9))


async def test_a_gap_larger_than_what_is_held_is_read_in_pages(start_house: StartHouse) -> None:
    house = await start_house(gap_publications=10)
    wire = await house.wire()
    await wire.ask(subscribe={"channel": MINE})
    house.commit(MINE, number=1)
    for number in range(2, 101):
        house.publish(MINE, number=number)
    assert await wire.offsets(100) == list(range(1, 101))


async def test_a_gap_that_cannot_be_filled_sends_subscribers_away_to_recover(start_house: StartHouse) -> None:
    events = BrokenEvents()
    house = await start_house(events=events)
    wire = await house.wire()
    await wire.ask(subscribe={"channel": MINE})
    house.commit(MINE, number=1)
    events.is_down = True
    house.publish(MINE, number=2)
    assert await wire.end() == 3010
    events.is_down = False
    again = await house.wire()
    reply = await again.ask(subscribe={"channel": MINE, "recover": True, "offset": 0, "epoch": "life-1"})
    assert [publication["offset"] for publication in reply["subscribe"]["publications"]] == [1, 2]
    house.publish(MINE, number=3)
    assert await again.offsets(1) == [3]


async def test_committed_events_reach_the_channel_of_their_stream(house: RealtimeHouse) -> None:
    wire = await house.wire()
    now = SystemClock().now()
    house.realtime.publish(
        [
            Stored(f"user:{ALICE}", 1, "task.changed", b'{"type":"task.changed"}', now),
            Stored("account:1", 1, "account.made", b'{"type":"account.made"}', now),
            Stored(f"user:{ALICE}", 2, "task.changed", b'{"type":"task.changed"}', now),
        ]
    )
    assert await wire.offsets(2) == [1, 2]
    assert house.realtime.statistics().publications == 2


async def test_a_run_of_events_reaches_each_client_once_and_in_order_wherever_it_stands(house: RealtimeHouse) -> None:
    early = await house.wire()
    await early.ask(subscribe={"channel": MINE})
    made = [house.commit(MINE, number=number) for number in range(3)]
    late = await house.wire()
    known = await late.ask(subscribe={"channel": MINE, "recover": True, "offset": 0, "epoch": "life-1"})
    assert [publication["offset"] for publication in known["subscribe"]["publications"]] == [1, 2, 3]
    made += [house.commit(MINE, number=number) for number in range(4)]
    for run in (made[:3], made[4:6], made[2:4], made[6:]):  # with one that comes early, and one that came before
        now = SystemClock().now()
        house.realtime.publish([Stored(MINE, offset, "task.progressed", body, now) for offset, body in run])
    assert await early.offsets(7) == [1, 2, 3, 4, 5, 6, 7]
    assert await late.offsets(4) == [4, 5, 6, 7]
    assert house.events.reads == 1  # of the one who asked for the past
