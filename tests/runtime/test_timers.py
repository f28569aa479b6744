"""Durable timers are told when they are due, until their turn has deleted them."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from actors.runtime.looks import Looks
from actors.runtime.timers import BATCH, FULL_SECONDS, POLL_SECONDS, Timer, Timers
from tests.runtime.conftest import World
from tests.runtime.world import Note

START = datetime(2026, 1, 1, tzinfo=UTC)


class Rows:
    """Timers in memory. ``is_down`` makes reading fail."""

    def __init__(self, *seconds: float) -> None:
        self.timers = [
            Timer(
                str(s),
                "counter",
                "a",
                "world.Note",
                msgspec.msgpack.encode(Note(text=str(s))),
                START + timedelta(seconds=s),
            )
            for s in seconds
        ]
        self.is_down = False
        self.looks = 0

    async def due(self, now: datetime, limit: int) -> Sequence[Timer]:
        self.looks += 1
        if self.is_down:
            raise ConnectionError
        return [timer for timer in self.timers if timer.due_at <= now][:limit]

    async def next_due(self, now: datetime) -> datetime | None:
        return min((timer.due_at for timer in self.timers if timer.due_at > now), default=None)


async def test_a_timer_is_told_when_it_is_due_and_not_before(world: World) -> None:
    timers = Timers(world.system, Rows(5, 7))
    world.clock.advance(4.9)
    assert await timers.tell_due() == 0
    world.clock.advance(0.1)
    assert await timers.tell_due() == 1
    await world.settle()
    assert world.counter.handled == ["5"]


async def test_a_timer_whose_row_stays_is_told_again_but_not_at_every_look(world: World) -> None:
    timers = Timers(world.system, Rows(0))
    assert [await timers.tell_due(), await timers.tell_due()] == [1, 0]
    world.clock.advance(10)
    assert await timers.tell_due() == 1


async def test_a_look_that_was_full_is_followed_by_the_next_at_once(world: World) -> None:
    rows = Rows(*range(-BATCH, 20))
    timers = Timers(world.system, rows)
    await timers.tell_due()
    assert await timers._seconds_to_next() == FULL_SECONDS
    del rows.timers[:BATCH]  # their turns have ended them
    await timers.tell_due()
    assert await timers._seconds_to_next() == POLL_SECONDS


async def test_a_timer_that_nobody_understands_does_not_hold_up_the_others(world: World) -> None:
    rows = Rows(0, 1)
    rows.timers[0] = rows.timers[0]._replace(message_type="world.Unknown")
    world.clock.advance(1)
    await Timers(world.system, rows).tell_due()
    await world.settle()
    assert world.counter.handled == ["1"]


async def test_the_loop_sleeps_until_the_next_is_due_and_outlives_a_lost_database(world: World) -> None:
    rows = Rows(0.01)
    rows.is_down = True
    timers = Timers(world.system, rows)
    running = asyncio.create_task(timers.run())
    await world.settle()
    assert world.counter.handled == []
    rows.is_down = False
    world.clock.advance(0.01)
    timers.wake()
    await world.settle()
    assert world.counter.handled == ["0.01"]
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_at_rest_nobody_looks_until_a_timer_is_due_or_set(world: World) -> None:
    rows, looks = Rows(0.3), Looks(0.05, 60.0)
    running = asyncio.create_task(Timers(world.system, rows, looks).run())
    await asyncio.sleep(0.2)
    assert rows.looks == 1
    world.clock.advance(0.3)
    await asyncio.sleep(0.15)
    assert rows.looks == 2 and world.counter.handled == ["0.3"]
    rows.timers = Rows(0.35).timers  # the first one's turn has ended it, and set another
    looks.stir()
    await asyncio.sleep(0.02)
    world.clock.advance(0.05)
    await asyncio.sleep(0.2)
    assert world.counter.handled == ["0.3", "0.35"]
    running.cancel()


async def test_a_timer_that_was_told_in_vain_is_told_again_at_rest(world: World) -> None:
    running = asyncio.create_task(Timers(world.system, Rows(0), Looks(1.0, 60.0)).run())
    await world.settle()
    assert world.counter.handled == ["0"]
    world.clock.advance(10)
    await asyncio.sleep(1.2)
    assert world.counter.handled == ["0", "0"]
    running.cancel()
