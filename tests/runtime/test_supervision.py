"""Crashes: backoff, pause, degraded, dead letters."""

import logging

import msgspec
import pytest

from actors.runtime.engine.supervision import Trouble
from actors.runtime.errors import Internal
from actors.runtime.message import SYSTEM, Caller
from tests.runtime.conftest import World
from tests.runtime.world import Add, Break, Get, Note


def test_the_backoff_doubles_and_the_fifth_crash_in_a_minute_is_a_growing_pause() -> None:
    trouble = Trouble()
    assert [round(trouble.crashed(float(second)), 3) for second in range(8)] == [0.1, 0.2, 0.4, 0.8, 1, 2, 4, 8]
    assert [trouble.crashed(20.0 + second) for second in range(3)] == [16, 30, 30]


def test_crashes_that_are_far_apart_never_pause() -> None:
    trouble = Trouble()
    assert [trouble.crashed(20.0 * number) for number in range(10)] == [0.1, 0.2] + [0.4] * 8
    assert trouble.pauses == 0


async def crash(world: World, times: int) -> None:
    for _ in range(times):
        answer = world.ref().ask(Break(), SYSTEM, timeout_seconds=60)
        await world.settle()
        for _ in range(30):
            if answer.done():  # type: ignore[attr-defined]
                break
            await world.pass_time(0.1)
        with pytest.raises(Internal):
            await answer


async def test_five_crashes_in_a_minute_pause_the_actor_and_degrade_the_house_until_it_recovers(world: World) -> None:
    await crash(world, 4)
    assert world.system.degraded == frozenset()
    await crash(world, 1)
    assert world.system.degraded == {"counter"}
    assert world.system.statistics()["degraded"] == ["counter"]
    paused = world.ref().ask(Get(), SYSTEM)
    await world.pass_time(0.8)
    assert not paused.done()  # type: ignore[attr-defined]
    await world.pass_time(0.4)
    assert await paused == 0
    assert await world.ref("other").ask(Get(), SYSTEM) == 0
    await world.pass_time(59, step=1)
    assert world.system.degraded == {"counter"}
    await world.pass_time(2, step=1)
    assert world.system.degraded == frozenset()


async def test_a_crashed_actor_restarts_from_its_rows(world: World) -> None:
    await world.ref().ask(Add(by=6), SYSTEM)
    await crash(world, 1)
    read = world.ref().ask(Get(), SYSTEM)
    await world.pass_time(0.3)
    assert await read == 6
    assert world.store.loads == 2


async def bury(world: World) -> None:
    world.ref().tell(Break(password="hunter2", inner=Add(by=3)), Caller(user_id="u-1"))
    await world.pass_time(3)


async def test_a_dead_letter_holds_the_message_without_its_secrets(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        await bury(world)
    (letter,) = world.store.letters
    assert (letter.message_type, letter.error, letter.attempts) == ("world.Break", "RuntimeError", 3)
    assert msgspec.msgpack.decode(letter.message) == {"password": "***", "inner": {"by": 3}}
    assert msgspec.msgpack.decode(letter.caller, type=Caller) == Caller(user_id="u-1")


async def test_letters_wait_in_memory_while_the_store_refuses_them(world: World) -> None:
    world.store.refuses_letters = True
    await bury(world)
    assert world.system.statistics()["unstored_letters"] == 1
    world.store.refuses_letters = False
    await bury(world)
    assert len(world.store.letters) == 2
    assert world.system.statistics()["unstored_letters"] == 0


async def test_a_dead_letter_can_be_delivered_again(world: World) -> None:
    await bury(world)
    (letter,) = world.store.letters
    world.counter.handled.clear()
    world.system.redeliver(letter)
    await world.pass_time(0.1)
    assert world.counter.handled == ["break"]
    note = letter._replace(message_type="world.Note", message=msgspec.msgpack.encode(Note(text="repaired")))
    world.system.redeliver(note)
    await world.pass_time(8)
    assert "repaired" in world.counter.handled
