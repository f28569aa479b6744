"""A loop that looks for what is due does so when it must, and not more often."""

import asyncio
from collections.abc import Callable
from time import perf_counter

import pytest

from actors.runtime.looks import Looks


async def seconds_of_pause(looks: Looks, due_seconds: float | None, do: Callable[[], None] = lambda: None) -> float:
    """How long it is from a look to the next, when something is done a moment after the first."""
    looks.begin()
    began = perf_counter()
    asyncio.get_running_loop().call_later(0.02, do)
    async with asyncio.timeout(2):
        await looks.pause(due_seconds)
    return perf_counter() - began


async def test_a_pause_lasts_until_the_next_thing_is_due() -> None:
    assert 0.1 <= await seconds_of_pause(Looks(5.0, 60.0), 0.1) < 0.5


async def test_what_was_written_is_looked_at_soon_but_not_at_once() -> None:
    looks = Looks(0.2, 60.0)
    assert 0.19 <= await seconds_of_pause(looks, None, looks.stir) < 0.6
    assert 0.19 <= await seconds_of_pause(looks, 30.0, looks.stir) < 0.6


async def test_what_was_written_while_it_looked_is_looked_at_again() -> None:
    looks = Looks(0.1, 60.0)
    looks.begin()
    looks.stir()
    async with asyncio.timeout(1):
        await looks.pause(None)


async def test_who_is_woken_looks_at_once() -> None:
    looks = Looks(5.0, 60.0)
    assert await seconds_of_pause(looks, None, looks.wake) < 0.5
    looks.begin()
    looks.wake()
    looks.stir()
    async with asyncio.timeout(1):
        await looks.pause(None)


async def test_where_others_write_too_it_looks_all_the_same() -> None:
    assert 0.09 <= await seconds_of_pause(Looks(0.1), None) < 0.5


async def test_without_news_it_waits() -> None:
    looks = Looks(0.01, 60.0)
    looks.begin()
    looks.stir()
    await looks.pause(None)
    looks.begin()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await looks.pause(None)
