"""Rates and memory of the actor runtime. Usage: python bench/actors.py TEST SECONDS; prints one JSON line.

ask1      one caller, one actor             tell1     one sender, one actor
askc      64 callers, one actor             tell1000  one sender, 1,000 actors
ask1000   1,000 callers, one actor each     mem       resident bytes per idle actor that has worked once
life      what it costs to activate and to passivate actors (no rows are read); SECONDS says how many

Everything is on: typed frozen messages, deadlines, bounds, supervision, statistics. The actor counts and returns
the message's number, as the contestants of the same table do.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from actors.runtime.actor import Entity, Ref, Snapshot, Turn, handles
from actors.runtime.clock import ManualClock
from actors.runtime.message import SYSTEM, Command
from actors.runtime.ports import Clock, DeadLetter, Stored
from actors.runtime.system import System


class Count(Command[int], frozen=True):
    """Count one, and return ``number``."""

    number: int


class Tally:
    """What has been counted."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Counter(Entity[Tally]):
    """Counts in memory."""

    kind = "counter"
    durable = False

    def load(self, key: str) -> Snapshot[Tally]:  # noqa: ARG002 - every actor begins alike
        """Begin with nothing."""
        return Snapshot(Tally(), 0)

    @handles
    def count(self, state: Tally, message: Count, turn: Turn) -> int:  # noqa: ARG002 - as every handler
        """See `Count`."""
        state.count += 1
        return message.number


class Nowhere:
    """Journal, publisher and dead letters of a house in which no turn decides anything and none crashes."""

    async def commit(self, **_: object) -> list[list[Any]]:
        """Never called."""
        raise AssertionError("no turn decides anything here")

    async def commit_together(self, **_: object) -> list[Any]:
        """Never called."""
        raise AssertionError("no turn decides anything here")

    def publish(self, events: Sequence[Stored]) -> None:
        """Never called."""
        raise AssertionError(events)

    async def store(self, letter: DeadLetter) -> None:
        """Never called."""
        raise AssertionError(letter)


async def ask_one(actors: list[Ref], seconds: float) -> float:
    """One caller, who waits for every answer."""
    ask, message = actors[0].ask, Count(number=1)
    count, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        for _ in range(100):
            await ask(message, SYSTEM)
        count += 100
    return count / (time.perf_counter() - started)


async def ask_many(actors: list[Ref], seconds: float) -> float:
    """A caller per entry of ``actors``, each of whom waits for every answer."""
    stopped = False

    async def caller(actor: Ref, number: int) -> int:
        message, count = Count(number=number), 0
        while not stopped:
            await actor.ask(message, SYSTEM)
            count += 1
        return count

    started = time.perf_counter()
    callers = [asyncio.create_task(caller(actor, number)) for number, actor in enumerate(actors)]
    await asyncio.sleep(seconds)
    stopped = True
    return sum(await asyncio.gather(*callers)) / (time.perf_counter() - started)


async def tell(actors: list[Ref], seconds: float, burst: int) -> float:
    """Bursts of tells to every actor, each round ended by an ask to all of them."""
    message = Count(number=1)
    count, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        for actor in actors:
            for _ in range(burst):
                actor.tell(message, SYSTEM)
        await asyncio.gather(*(actor.ask(message, SYSTEM) for actor in actors))
        count += len(actors) * (burst + 1)
    return count / (time.perf_counter() - started)


def resident_bytes() -> int:
    """How much memory the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def memory(system: System) -> dict[str, float]:
    """Make 10,000 actors work once; what the process has grown by is theirs."""
    message, number = Count(number=1), 10_000
    refs = [system.ref("counter", f"warm-{n}") for n in range(200)]
    for ref in refs:
        await ref.ask(message, SYSTEM)
    gc.collect()
    before = resident_bytes()
    refs = [system.ref("counter", f"room-{n}") for n in range(number)]
    for ref in refs:
        await ref.ask(message, SYSTEM)
    await asyncio.sleep(0.5)
    gc.collect()
    return {"bytes_per_actor": (resident_bytes() - before) / number, "n": number}


async def life(number: int) -> dict[str, float]:
    """Activate so many actors by a message each, then let them be idle for longer than they stay."""
    clock, message = ManualClock(), Count(number=1)
    async with system_of(clock) as system:
        gc.collect()
        before, started = resident_bytes(), time.perf_counter()
        for n in range(number):
            await system.ref("counter", f"room-{n}").ask(message, SYSTEM)
        active = time.perf_counter()
        held = (resident_bytes() - before) / number
        passive = time.perf_counter()
        while system.statistics()["kinds"]["counter"]["actors"]:
            clock.advance(1.0)
            system.tick()
        ended = time.perf_counter()
    return {
        "activate_us": (active - started) / number * 1e6, "passivate_us": (ended - passive) / number * 1e6,
        "bytes_per_actor": held, "n": number,
    }  # fmt: skip


def system_of(clock: Clock | None = None) -> System:
    """A house of counters."""
    none = Nowhere()
    Counter.capacity = 1001  # a burst of 1,000 and the ask that ends it
    return System(
        kinds=[Counter()], journal=none, publisher=none, dead_letters=none, record_idempotency=lambda *_: None,
        clock=clock,
    )  # fmt: skip


async def run(test: str, seconds: float) -> dict[str, float]:
    """Run one test."""
    if test == "life":
        return await life(int(seconds))
    async with system_of() as system:
        if test == "mem":
            return await memory(system)
        actors = [system.ref("counter", str(n)) for n in range(1000)]
        match test:
            case "ask1":
                rate = await ask_one(actors, seconds)
            case "askc":
                rate = await ask_many(actors[:1] * 64, seconds)
            case "ask1000":
                rate = await ask_many(actors, seconds)
            case "tell1":
                rate = await tell(actors[:1], seconds, 1000)
            case "tell1000":
                rate = await tell(actors, seconds, 20)
            case _:
                sys.exit(__doc__)
        return {"rate": rate}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(uvloop.run(run(sys.argv[1], float(sys.argv[2])))) + "\n")
