"""A worker that counts words, finds primes, and takes its time for the demo.

    python examples/worker.py --url http://127.0.0.1:8080 --api-key <one with the scope "worker">

Then create a task: ``POST /api/v1/tasks {"type": "words", "params": {"text": "to be or not to be"}}``, and watch
``/api/v1/tasks/<id>``, or the channel ``task:<id>``.
"""

# posthouse_worker lies beside this file, where a check of the whole checkout does not look: check it in this folder.
# mypy: ignore-errors

import argparse
import asyncio
import math
import os
from collections import Counter
from typing import Any

from posthouse_worker import Task, TaskFailed, Worker


def make_worker(url: str, api_key: str) -> Worker:
    """A worker for the types ``words``, ``primes`` and ``demo``. It polls for short, so that it stops soon."""
    worker = Worker(url, api_key, concurrency=4, poll_seconds=1)

    @worker.task("words")
    async def words(task: Task, progress: Any) -> dict[str, Any]:
        """Count the words of a text: an ``async`` function may wait for other services, too."""
        text = task.params.get("text")
        if not isinstance(text, str):
            raise TaskFailed("bad_params", "params.text must be a text")
        counts: Counter[str] = Counter()
        lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            counts.update(line.lower().split())
            await progress(100 * number / len(lines), phase="counting", message=f"line {number} of {len(lines)}")
            await asyncio.sleep(0)
        return {"words": counts.total(), "most_common": counts.most_common(3)}

    @worker.task("primes")
    def primes(task: Task, progress: Any) -> dict[str, Any]:
        """Find primes: a plain function keeps a thread busy, and its progress needs no ``await``."""
        bound = min(int(task.params.get("below", 100_000)), 10_000_000)
        sieve = bytearray([1]) * max(bound, 2)
        sieve[:2] = b"\0\0"
        root = math.isqrt(max(bound - 1, 0))
        for number in range(2, root + 1):
            if sieve[number]:
                sieve[number * number :: number] = bytes(len(range(number * number, len(sieve), number)))
            progress(100 * number / root, phase="sieving")
        return {"count": sum(sieve), "largest": sieve.rfind(1)}

    worker.task("demo")(demo)
    return worker


async def demo(task: Task, progress: Any) -> dict[str, int]:
    """Do something slow in ``params.steps`` steps, so that there is progress to watch."""
    steps = max(1, min(int(task.params.get("steps", 20)), 1_000))
    for step in range(1, steps + 1):
        await asyncio.sleep(0.1)
        await progress(100 * step // steps, phase="stepping", message=f"step {step} of {steps}")
    return {"steps": steps}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the house's address")
    parser.add_argument("--api-key", default=os.environ.get("POSTHOUSE_WORKER_KEY"), help="or POSTHOUSE_WORKER_KEY")
    arguments = parser.parse_args()
    if not arguments.api_key:
        parser.error("an API key with the scope worker is needed")
    make_worker(arguments.url, arguments.api_key).run()
