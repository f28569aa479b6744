"""One clock for all connections: a timer per connection costs memory and wakes the process for nothing."""

import asyncio
from collections.abc import Callable

from actors.runtime.ports import Clock
from handlers.realtime.connection import Connection

TICK_SECONDS = 0.25


class Wheel:
    """Looks at a connection when it asked to be looked at, at most a tick late. Stands still while there is none."""

    def __init__(self, clock: Clock, check: Callable[[Connection, float], None]) -> None:
        self._clock = clock
        self._check = check
        self._slots: dict[int, list[Connection]] = {}
        self._next = 0
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, connection: Connection, at: float) -> None:
        """Look at a connection at a moment of the monotonic clock, and no more at the moment asked for before."""
        if self._timer is None:
            self._next = int(self._clock.monotonic() / TICK_SECONDS)
            self._turn_on()
        slot = max(int(at / TICK_SECONDS), self._next) + 1
        connection.check_slot = slot
        self._slots.setdefault(slot, []).append(connection)

    def stop(self) -> None:
        """Look at nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._slots.clear()

    def _turn_on(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._turn)

    def _turn(self) -> None:
        now = self._clock.monotonic()
        while self._next <= int(now / TICK_SECONDS):
            for connection in self._slots.pop(self._next, ()):
                if connection.check_slot == self._next and not connection.is_closed:
                    self._check(connection, now)
            self._next += 1
        self._timer = None
        if self._slots:
            self._turn_on()
