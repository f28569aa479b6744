"""The house as a contestant of the task queues' benchmark, over HTTP as any producer and worker would use it.

    task_queue.py setup | enq N CALLERS | batch N | trickle N SECONDS | worker

Environment: BENCH_URL, BENCH_TOKEN (a user's), BENCH_WORKER_KEY, BENCH_STATE (a file). ``setup`` makes a new type of
task, so that nothing of an earlier run is left in the queue. ``worker`` runs until it is killed; the driver's
``taskstat.hit`` counts what it does.
"""

import asyncio
import importlib
import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.client import Connection

IN_BATCH = 100
AT_ONCE = 100
LOOPS = 4
"""Leases under way at the same time, so that the house is at work while the worker is."""


def state() -> Path:
    """Where `setup` says the type of task."""
    return Path(os.environ["BENCH_STATE"])


def item() -> dict[str, object]:
    """A task that knows when it was asked for."""
    return {"type": state().read_text(), "params": {"ts": time.time()}}


async def connect(token: str = "BENCH_TOKEN") -> Connection:
    """Connect as whom the variable names."""
    return await Connection.open(os.environ["BENCH_URL"], os.environ[token])


async def enqueue(count: int, callers: int) -> None:
    """Each caller creates its share, one after the other."""
    kind = json.dumps(state().read_text())

    async def caller() -> None:
        connection = await connect()
        for _ in range(count // callers):
            body = b'{"type":%s,"params":{"ts":%.6f}}' % (kind.encode(), time.time())
            await connection.call("POST", "/api/v1/tasks", body, expect=201)

    await asyncio.gather(*(caller() for _ in range(callers)))


async def batches(count: int) -> None:
    """Create 100 at a time."""
    connection = await connect()
    for _ in range(count // IN_BATCH):
        answer = await connection.json("POST", "/api/v1/tasks/batch", {"items": [item()] * IN_BATCH})
        made = sum("id" in one for one in answer["items"])
        if made != IN_BATCH:
            sys.exit(f"{IN_BATCH - made} of a batch were refused: {answer['items'][-1]}")


async def trickle(count: int, seconds: float) -> None:
    """One task every so often."""
    connection = await connect()
    for _ in range(count):
        await connection.json("POST", "/api/v1/tasks", item(), expect=201)
        await asyncio.sleep(seconds)


async def work(hit: Callable[[float], None]) -> None:
    """Lease, do nothing, settle; a few of these at the same time."""
    ask = {"types": [state().read_text()], "max": AT_ONCE, "wait_seconds": 30, "lease_seconds": 60, "worker": "bench"}

    async def loop() -> None:
        connection = await connect("BENCH_WORKER_KEY")
        while True:
            tasks = (await connection.json("POST", "/api/v1/tasks/lease", ask))["tasks"]
            for task in tasks:
                hit(task["params"]["ts"])
            if tasks:
                done = [{"id": task["id"], "lease": task["lease"], "result": None} for task in tasks]
                await connection.json("POST", "/api/v1/tasks/settle", {"items": done})

    await asyncio.gather(*(loop() for _ in range(LOOPS)))


async def run(arguments: list[str]) -> None:
    """Do one command; those that create say how fast as a line of JSON."""
    match arguments:
        case ["setup"]:
            state().write_text(f"noop-{secrets.token_hex(4)}")
            return
        case ["worker"]:
            await work(importlib.import_module("taskstat").hit)  # the driver puts its folder on the path
            return
        case ["enq", count, *callers]:
            job = enqueue(int(count), int(callers[0]) if callers else 1)
        case ["batch", count]:
            job = batches(int(count))
        case ["trickle", count, seconds]:
            job = trickle(int(count), float(seconds))
        case _:
            sys.exit(__doc__)
    started = time.perf_counter()
    await job
    rate = int(count) / (time.perf_counter() - started)
    sys.stdout.write(json.dumps({"rate": rate, "n": int(count)}) + "\n")


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1:]))
