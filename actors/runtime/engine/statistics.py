"""What a kind has done, counted so cheaply that it is always on."""

from asyncio import Future
from bisect import bisect_left
from typing import Any

BOUNDS_MS = tuple(0.001 * 2.0**step for step in range(24))  # 1 us to 8.4 s, each twice the one before


class Statistics:
    """Counters of one kind. ``p50_ms`` and ``p99_ms`` are bounds of a histogram whose buckets double."""

    __slots__ = ("buckets", "crashed", "expired", "handled", "restarts")

    def __init__(self) -> None:
        self.handled = 0
        self.crashed = 0
        self.restarts = 0
        self.expired = 0  # never started: nobody waits for the answer any more
        self.buckets = [0] * (len(BOUNDS_MS) + 1)

    def record(self, seconds: float, count: int) -> None:
        """Count a run of ``count`` messages that took ``seconds`` together."""
        if count:
            self.handled += count
            self.buckets[bisect_left(BOUNDS_MS, seconds * 1000 / count)] += count

    def percentile_ms(self, share: float) -> float:
        """The bound below which ``share`` (0..1) of all messages were handled; 0.0 before the first."""
        wanted = share * sum(self.buckets)
        seen = 0
        for bound, count in zip((*BOUNDS_MS, BOUNDS_MS[-1]), self.buckets, strict=True):
            seen += count
            if count and seen >= wanted:
                return bound
        return 0.0

    def as_dict(self) -> dict[str, Any]:
        """The counters by name."""
        return {
            "handled": self.handled,
            "crashed": self.crashed,
            "restarts": self.restarts,
            "expired": self.expired,
            "p50_ms": self.percentile_ms(0.5),
            "p99_ms": self.percentile_ms(0.99),
        }


class Waits:
    """Which kinds wait for the answer of which, right now: asks that came from inside an actor."""

    def __init__(self) -> None:
        self._open: dict[Future[Any], tuple[str, str, float]] = {}

    def begin(self, asking: str, asked: str, now: float, reply: "Future[Any]") -> None:
        """Note an ask until its answer is there."""
        self._open[reply] = asking, asked, now
        reply.add_done_callback(self._end)

    def _end(self, reply: "Future[Any]") -> None:
        self._open.pop(reply, None)

    def as_list(self, now: float) -> list[dict[str, Any]]:
        """``{from, to, seconds}``, the one that has waited longest for every pair."""
        longest: dict[tuple[str, str], float] = {}
        for asking, asked, since in self._open.values():
            longest[asking, asked] = max(now - since, longest.get((asking, asked), 0.0))
        return [{"from": asking, "to": asked, "seconds": waited} for (asking, asked), waited in longest.items()]
