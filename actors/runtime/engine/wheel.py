"""Deadlines and delays, kept by one coarse timer: a timer per ask would halve the rate."""

import heapq
from asyncio import Future
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any
from weakref import ref

from actors.runtime.errors import TimedOut

TICK_SECONDS = 0.1
COMPACT = 4096  # a bucket that has grown by this much drops the futures that are done, so that memory stays flat


class Wheel:
    """Futures by deadline, callbacks by due time. Nothing is early; everything is at most two ticks late."""

    def __init__(self) -> None:
        # An answer that is refused holds the frames through which it went, down to the request: it is not kept alive
        # until its deadline.
        self._buckets: dict[int, list[ref[Future[Any]]]] = {}
        self._calls: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def is_empty(self) -> bool:
        """Whether time will bring nothing: what has been answered needs no deadline any more.

        It is asked ten times a second, perhaps with thousands who wait: the first of them ends the search.
        """
        if self._calls:
            return False
        for slot, bucket in list(self._buckets.items()):
            while bucket and _is_done(bucket[-1]):
                bucket.pop()
            if bucket:
                return False
            del self._buckets[slot]
        return True

    def watch(self, future: "Future[Any]", deadline: float) -> None:
        """Fail ``future`` with `TimedOut` unless it is done before ``deadline`` (monotonic)."""
        bucket = self._buckets.setdefault(int(deadline / TICK_SECONDS) + 1, [])
        bucket.append(ref(future))
        if not len(bucket) % COMPACT:
            bucket[:] = [waiting for waiting in bucket if not _is_done(waiting)]

    def call_at(self, due: float, callback: Callable[[], None]) -> None:
        """Call back once at or after ``due`` (monotonic)."""
        heapq.heappush(self._calls, (due, next(self._order), callback))

    def turn(self, now: float) -> None:
        """Do everything whose time has come."""
        slot_now = int(now / TICK_SECONDS)
        for slot in [slot for slot in self._buckets if slot <= slot_now]:
            fail(self._buckets.pop(slot), "no answer before the deadline")
        while self._calls and self._calls[0][0] <= now:
            heapq.heappop(self._calls)[2]()

    def close(self) -> None:
        """Fail every future that is not done: nobody waits beyond the end of the house."""
        for bucket in self._buckets.values():
            fail(bucket, "stopping: the outcome is unknown")
        self._buckets.clear()


def _is_done(waiting: "ref[Future[Any]]") -> bool:
    future = waiting()
    return future is None or future.done()


def fail(futures: "Iterable[ref[Future[Any]]]", reason: str) -> None:
    """Give every future that is not done a `TimedOut`."""
    for waiting in futures:
        future = waiting()
        if future is not None and not future.done():
            future.set_exception(TimedOut(reason))
