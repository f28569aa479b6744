"""A system with nothing under way looks at no clock, and ten times a second as soon as there is something."""

import asyncio
from math import inf
from time import perf_counter

import pytest

from actors.runtime.engine import supervision
from actors.runtime.errors import Internal, TimedOut
from actors.runtime.message import SYSTEM
from actors.runtime.system import System
from tests.runtime.world import Add, Break, Counter, Get, Store


async def resting(store: Store) -> System:
    """A system on the real clock that rests."""
    system = System(
        kinds=[Counter(store)], journal=store, publisher=store, dead_letters=store, record_idempotency=lambda *_: None
    )
    await system.start()
    await asyncio.sleep(0)
    assert system.rests
    return system


async def test_a_deadline_is_kept_when_it_begins_in_a_rest() -> None:
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
    assert await system.ref("counter", "a").ask(Add(), SYSTEM, timeout_seconds=60) == 1
    assert not system.rests
    async with asyncio.timeout(5):  # not only when the deadline has passed
        while not system.rests:
            await asyncio.sleep(0.05)
    await system.stop()


async def test_a_delay_that_begins_in_a_rest_is_neither_early_nor_late() -> None:
    system = await resting(Store())
    await asyncio.sleep(0.3)
    called, started = asyncio.Event(), perf_counter()
    system._offices["counter"].call_later(0.3, called.set)
    await called.wait()
    assert 0.29 <= perf_counter() - started < 1.0
    await system.stop()


async def test_a_rest_is_no_matter_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: list[float] = []
    monkeypatch.setattr(System, "tick", lambda system: ticks.append(system.time))
    system = await resting(Store())
    ticks.clear()
    await asyncio.sleep(1.5)
    assert ticks == []
    await system.stop()


async def test_whoever_is_idle_is_passivated_in_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counter, "idle_seconds", 0.5)
    system = await resting(Store())
    await system.ref("counter", "a").ask(Get(), SYSTEM)
    assert len(system._offices["counter"].cells) == 1
    await asyncio.sleep(0.4)
    assert system.rests and len(system._offices["counter"].cells) == 1
    await asyncio.sleep(1.0)
    assert system.rests and not system._offices["counter"].cells
    await system.stop()


async def test_a_trouble_is_forgiven_in_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "WINDOW_SECONDS", 0.5)
    system = await resting(Store())
    with pytest.raises(Internal):
        await system.ref("counter", "a").ask(Break(), SYSTEM)
    assert system._supervisor.due_at() < inf
    await asyncio.sleep(1.2)
    assert system.rests and system._supervisor.due_at() == inf
    await system.stop()


async def test_the_first_message_after_a_rest_is_as_old_as_it_is() -> None:
    store = Store()
    system = await resting(store)
    await asyncio.sleep(0.5)
    store.open.clear()
    system.ref("counter", "a").tell(Add(), SYSTEM)
    system.ref("counter", "a").tell(Add(), SYSTEM)
    assert system.statistics()["kinds"]["counter"]["oldest_seconds"] < 0.3
    store.open.set()
    await system.stop()


async def test_whoever_waits_for_work_hears_of_it() -> None:
    system = await resting(Store())
    waiting = asyncio.create_task(system.until_at_work())
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await system.ref("counter", "a").ask(Get(), SYSTEM)
    await asyncio.wait_for(waiting, 1)
    await system.stop()
