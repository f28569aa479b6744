"""A system with nothing under way looks at its clock once a second, and ten times as soon as there is something."""

import asyncio
from time import perf_counter

import pytest

from actors.runtime import system as runtime
from actors.runtime.errors import TimedOut
from actors.runtime.message import SYSTEM
from actors.runtime.system import System
from tests.runtime.world import Add, Counter, Get, Store


async def resting(store: Store) -> System:
    """A system on the real clock that rests."""
    system = System(
        kinds=[Counter(store)], journal=store, publisher=store, dead_letters=store, record_idempotency=lambda *_: None
    )
    await system.start()
    await asyncio.sleep(0)
    assert system.rests
    return system


async def test_a_deadline_is_kept_when_it_begins_in_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "REST_SECONDS", 60.0)
    store = Store()
    system = await resting(store)
    store.open.clear()
    started = perf_counter()
    with pytest.raises(TimedOut):
        await system.ref("counter", "a").ask(Add(), SYSTEM, timeout_seconds=0.2)
    assert 0.2 <= perf_counter() - started < 1.0
    assert not system.rests
    store.open.set()
    await system.stop()


async def test_it_rests_again_once_nothing_is_under_way() -> None:
    system = await resting(Store())
    assert await system.ref("counter", "a").ask(Get(), SYSTEM) == 0
    assert not system.rests
    async with asyncio.timeout(5):
        while not system.rests:
            await asyncio.sleep(0.05)
    await system.stop()


async def test_a_delay_that_begins_in_a_rest_is_neither_early_nor_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "REST_SECONDS", 60.0)
    system = await resting(Store())
    await asyncio.sleep(0.3)
    called, started = asyncio.Event(), perf_counter()
    system._offices["counter"].call_later(0.3, called.set)
    await called.wait()
    assert 0.29 <= perf_counter() - started < 1.0
    await system.stop()
