"""What a kind has done, counted so cheaply that it is always on."""

from bisect import bisect_left
from typing import Any

BOUNDS_MS = tuple(0.001 * 2.0**step for step in range(24))  # 1 us to 8.4 s, each twice the one before


class Statistics:
    """Counters of one kind; ``p50_ms`` and ``p99_ms`` are upper bounds of a histogram's bucket (each twice the last)."""

    __slots__ = ("buckets", "crashed", "expired", "handled", "restarts")

    def __init__(self) -> None:
        self.handled = 0
        self.crashed = 0
        self.restarts = 0
        self.expired = 0  # never started: nobody waits for the answer any more
        self.buckets = [0] * (len(BOUNDS_MS) + 1)

    def record(self, seconds: float, count: int) -> None:
        """Count a run of ``count`` messages that took ``seconds`` in all: the clock is read per run, not per message."""
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
