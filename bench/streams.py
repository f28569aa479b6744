"""Ask and tell across two houses, beside what Redis Streams do raw in the same session. Prints a table.

    python bench/streams.py [--seconds 3] [--runs 3] [--redis URL]

Each house is a process of its own: one owns every entity, the other asks it. Raw is the same path by hand with the same
driver: XADD, XREADGROUP, XADD of the answer and XACK, pipelined wherever several wait.

ask1      one caller, who waits for every answer    raw1     the same by hand
ask64     64 callers                                raw64    the same by hand
tell      bursts of tells to one actor              rawtell  bursts of XADD to one stream, read and acknowledged

The second column counts processor time of both houses and Redis for each message: it says on a busy machine what the
first one says on a quiet one.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import uvloop
from redis.asyncio import Redis
from redis.exceptions import ResponseError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from actors.runtime.actor import Ref
from actors.runtime.clock import SystemClock
from actors.runtime.message import SYSTEM
from actors.runtime.streams import Streams
from actors.runtime.system import System
from bench.actors import Count, Counter, Nowhere, ask_many, ask_one
from storage.redis.mail import RedisMail
from tests.redis_server import RedisServer, redis_server

BODY = b"x" * 100
BURST = 500


class Held:
    """The lease of a house in which nothing is stored."""

    def __init__(self, incarnation: int) -> None:
        self.id = self.incarnation = incarnation

    def is_held(self) -> bool:
        """Always."""
        return True


class House:
    """A runtime and its mail, as `app` puts them together."""

    def __init__(self, url: str, incarnation: int) -> None:
        self.mail = RedisMail(url, f"bench-{incarnation}")
        self.streams = Streams(self.mail, Held(incarnation))
        nowhere = Nowhere()
        self.system = System(
            kinds=[Counter()], journal=nowhere, publisher=nowhere, dead_letters=nowhere,
            record_idempotency=lambda *_: None, clock=SystemClock(), transport=self.streams,
        )  # fmt: skip

    async def start(self) -> None:
        """Begin to read and write."""
        await self.streams.start()
        await self.system.start()


async def own(url: str) -> None:
    """Be the house that owns everything, until killed."""
    house = House(url, 2)
    await house.start()
    house.streams.open(dict.fromkeys(range(256), 1))
    await house.system.ref("counter", "0").ask(Count(number=1), SYSTEM)  # behind the gate
    print("ready", flush=True)
    await asyncio.Event().wait()


async def ask(url: str, seconds: float, callers: int) -> float:
    """Asks a second."""
    house = House(url, 1)
    await house.start()
    actors = [house.system.ref("counter", str(number)) for number in range(callers)]
    await asyncio.gather(*(actor.ask(Count(number=1), SYSTEM) for actor in actors))
    return await (ask_one(actors, seconds) if callers == 1 else ask_many(actors, seconds))


async def tell(url: str, seconds: float, _: int) -> float:
    """Tells a second, to one actor: a burst, and an ask that ends it."""
    house = House(url, 1)
    await house.start()
    actor: Ref = house.system.ref("counter", "1")
    message, count, started = Count(number=1), 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        for _burst in range(BURST):
            actor.tell(message, SYSTEM)
        await actor.ask(message, SYSTEM)
        count += BURST + 1
    return count / (time.perf_counter() - started)


async def respond(url: str) -> None:
    """Answer by hand, until killed."""
    redis = Redis.from_url(url)
    with suppress(ResponseError):
        await redis.xgroup_create("req", "g", id="0", mkstream=True)
    print("ready", flush=True)
    while True:
        found: Any = await redis.xreadgroup("g", "c", {"req": ">"}, count=100, block=2000)
        for _, entries in found or ():
            pipe = redis.pipeline(transaction=False)
            for _entry, fields in entries:
                if b"id" in fields:
                    pipe.xadd("rep", {b"id": fields[b"id"], b"b": BODY}, maxlen=10_000)
            pipe.xack("req", "g", *(entry for entry, _ in entries))
            pipe.xdel("req", *(entry for entry, _ in entries))
            await pipe.execute()


class Raw:
    """Callers by hand: requests of one turn of the loop share a pipeline, answers are read from one stream."""

    def __init__(self, url: str) -> None:
        self._out, self._in = Redis.from_url(url), Redis.from_url(url)
        self._waiting: dict[bytes, asyncio.Future[None]] = {}
        self._queue: list[bytes] = []
        self._woken = asyncio.Event()
        self._number = 0

    async def start(self) -> None:
        """Begin to read and write."""
        await self._out.xadd("rep", {b"id": b"", b"b": b""})
        self._tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._read())]
        await asyncio.sleep(0.05)

    async def ask(self) -> None:
        """Send, and wait for the answer."""
        self._number += 1
        name = b"%d" % self._number
        future = self._waiting[name] = asyncio.get_running_loop().create_future()
        self._queue.append(name)
        self._woken.set()
        await future

    async def _write(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            names, self._queue = self._queue, []
            pipe = self._out.pipeline(transaction=False)
            for name in names:
                pipe.xadd("req", {b"id": name, b"b": BODY})
            await pipe.execute()

    async def _read(self) -> None:
        last: Any = "$"
        while True:
            found: Any = await self._in.xread({"rep": last}, count=200, block=2000)
            for _, entries in found or ():
                last = entries[-1][0]
                for _entry, fields in entries:
                    if (future := self._waiting.pop(fields[b"id"], None)) is not None:
                        future.set_result(None)


async def raw_ask(url: str, seconds: float, callers: int) -> float:
    """Asks a second by hand."""
    raw = Raw(url)
    await raw.start()
    started, count = time.perf_counter(), 0

    async def caller() -> None:
        nonlocal count
        while time.perf_counter() < started + seconds:
            await raw.ask()
            count += 1

    await asyncio.gather(*(caller() for _ in range(callers)))
    return count / (time.perf_counter() - started)


async def raw_tell(url: str, seconds: float, _: int) -> float:
    """Messages a second by hand: bursts in pipelines of 100, each ended by an ask."""
    raw = Raw(url)
    await raw.start()
    redis = Redis.from_url(url)
    started, count = time.perf_counter(), 0
    while time.perf_counter() < started + seconds:
        for _burst in range(BURST // 100):
            pipe = redis.pipeline(transaction=False)
            for _one in range(100):
                pipe.xadd("req", {b"b": BODY})
            await pipe.execute()
        await raw.ask()
        count += BURST + 1
    return count / (time.perf_counter() - started)


TESTS: dict[str, tuple[Callable[[str, float, int], Coroutine[Any, Any, float]], int, str]] = {
    "ask1": (ask, 1, "own"), "raw1": (raw_ask, 1, "respond"),
    "ask64": (ask, 64, "own"), "raw64": (raw_ask, 64, "respond"),
    "tell": (tell, 1, "own"), "rawtell": (raw_tell, 1, "respond"),
}  # fmt: skip
SERVERS: dict[str, Callable[[str], Coroutine[Any, Any, None]]] = {"own": own, "respond": respond}


def measure(name: str, server: RedisServer, seconds: float) -> tuple[float, float]:
    """Run one test, each side in a process of its own; messages a second, and processor time of all three for each."""
    server.flush()
    command = [sys.executable, __file__, "--redis", server.url, "--seconds", str(seconds)]
    with subprocess.Popen([*command, "--serve", TESTS[name][2]], stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            other.stdout.readline()
            pids = [other.pid, server.pid]
            before = sum(map(used, pids))
            done = subprocess.run([*command, "--one", name], capture_output=True, check=True, text=True)
            spent = sum(map(used, pids)) - before
        finally:
            other.kill()
    rate, own_seconds = json.loads(done.stdout)
    return rate, (spent + own_seconds) / (rate * seconds) * 1e6


def used(pid: int) -> float:
    """Processor time that a process has used."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def compare(server: RedisServer, seconds: float, runs: int) -> tuple[dict[str, float], dict[str, float]]:
    """Run everything interleaved; medians of rates and of costs."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in TESTS}
    for _ in range(runs):
        for name, results in found.items():
            results.append(measure(name, server, seconds))
    rates = {name: statistics.median(rate for rate, _ in results) for name, results in found.items()}
    costs = {name: statistics.median(cost for _, cost in results) for name, results in found.items()}
    return rates, costs


def show(rates: dict[str, float], costs: dict[str, float]) -> None:
    """Print a table for people."""
    print("                  messages/s          us of processor time")
    for ours, raw in (("ask1", "raw1"), ("ask64", "raw64"), ("tell", "rawtell")):
        shares = f"{rates[ours] / rates[raw]:.2f}", f"{costs[raw] / costs[ours]:.2f}"
        print(f"{ours:6}{rates[ours]:8,.0f} raw {rates[raw]:8,.0f} = {shares[0]}", end="")
        print(f"{costs[ours]:8.1f} raw {costs[raw]:6.1f} = {shares[1]}")


def main() -> None:
    """Take the arguments apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--redis", default="")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", default="")
    parser.add_argument("--serve", default="")
    asked = parser.parse_args()
    if asked.serve:
        uvloop.run(SERVERS[asked.serve](asked.redis))
    elif asked.one:
        test, callers, _ = TESTS[asked.one]
        began = time.process_time()
        rate = uvloop.run(test(asked.redis, asked.seconds, callers))
        print(json.dumps([rate, time.process_time() - began]))
    else:
        with redis_server() as server:
            rates, costs = compare(server, asked.seconds, asked.runs)
        if asked.json:
            print(json.dumps({name: {"rate": rates[name], "us": costs[name]} for name in TESTS}))
        else:
            show(rates, costs)


if __name__ == "__main__":
    main()
