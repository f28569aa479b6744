"""Where the runtime gets its time from; tests own theirs."""

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock, corrected by the measured offset to the database's clock."""

    monotonic = staticmethod(time.monotonic)  # a builtin: no Python frame on the way of every ask

    def __init__(self, offset: timedelta = timedelta(0)) -> None:
        self.offset = offset

    def now(self) -> datetime:
        """The wall clock in UTC, plus ``offset``."""
        return datetime.now(UTC) + self.offset


class ManualClock:
    """A clock that stands still until it is told to move: `System.tick` then does what the new time asks for."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._passed = 0.0

    def now(self) -> datetime:
        """The start plus all that was advanced."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Move on. Nothing happens by itself: call `System.tick`."""
        self._passed += seconds
