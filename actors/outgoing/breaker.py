"""A circuit breaker: what is in trouble is left alone for a while, then asked with one thing before it gets more."""

from collections.abc import Callable
from typing import Literal

State = Literal["closed", "half_open", "open"]


class Breaker:
    """Closed: all goes through. After ``failures`` in a row it opens for ``seconds``: nothing goes through.

    Then it is half open: one thing is tried. If that succeeds it closes; if not it opens again for twice as long, up to
    ``longest_seconds``. Not to be shared between threads.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        failures: int = 5,
        seconds: float = 30.0,
        longest_seconds: float = 600.0,
    ) -> None:
        self._monotonic = monotonic
        self._failures_to_open = failures
        self._first_seconds = seconds
        self._longest_seconds = longest_seconds
        self._failures = 0
        self._pause_seconds = seconds
        self._open_until: float | None = None

    @property
    def state(self) -> State:
        """What it is right now."""
        if self._open_until is None:
            return "closed"
        return "open" if self._monotonic() < self._open_until else "half_open"

    @property
    def seconds_left(self) -> float:
        """Seconds until something may go through again; 0 when it may now."""
        if self._open_until is None:
            return 0.0
        return max(0.0, min(self._open_until - self._monotonic(), self._pause_seconds))  # a sum was rounded up

    def allows(self, wanted: int) -> int:
        """How many of ``wanted`` things may go through now."""
        return {"closed": wanted, "half_open": min(wanted, 1), "open": 0}[self.state]

    def succeed(self) -> bool:
        """Something went through: close. Whether it was not closed before."""
        was_closed = self._open_until is None
        self._failures, self._pause_seconds, self._open_until = 0, self._first_seconds, None
        return not was_closed

    def fail(self) -> bool:
        """Something did not go through. Whether it opened by that; what was still under way opens nothing twice."""
        if self.state == "open":
            return False
        if self.state == "half_open":
            self._pause_seconds = min(self._pause_seconds * 2, self._longest_seconds)
        else:
            self._failures += 1
            if self._failures < self._failures_to_open:
                return False
        self._open_until = self._monotonic() + self._pause_seconds
        return True
