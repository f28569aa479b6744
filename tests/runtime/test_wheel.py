"""Deadlines, and what they keep."""

import asyncio
from weakref import ref

import pytest

from actors.runtime.engine.wheel import Wheel
from actors.runtime.errors import TimedOut


async def test_a_deadline_ends_a_wait_and_keeps_no_answer_alive() -> None:
    wheel, loop = Wheel(), asyncio.get_running_loop()
    waiting, refused = loop.create_future(), loop.create_future()
    wheel.watch(waiting, 1.0)
    wheel.watch(refused, 1.0)
    refused.set_exception(TimedOut("an answer that remembers the frames through which it went"))
    assert isinstance(refused.exception(), TimedOut)
    seen = ref(refused)
    del refused
    assert seen() is None
    wheel.turn(1.5)
    with pytest.raises(TimedOut):
        await waiting


async def test_what_was_answered_keeps_nobody_awake() -> None:
    wheel, loop = Wheel(), asyncio.get_running_loop()
    first, second, third = loop.create_future(), loop.create_future(), loop.create_future()
    for one, deadline in ((first, 1.0), (second, 1.0), (third, 5.0)):
        wheel.watch(one, deadline)
    assert not wheel.is_empty()
    second.set_result(None)
    third.set_result(None)
    assert not wheel.is_empty()
    wheel.turn(1.5)
    with pytest.raises(TimedOut):
        await first
    assert wheel.is_empty()
    wheel.call_at(2.0, lambda: None)
    assert not wheel.is_empty()
