"""Durable timers: rows that say which actor is told what, and when.

A handler sets a timer by a write among its decision's ``writes``, made by a factory that the app injects into the
behaviour (it inserts the row; `Timers.wake` may be the decision's ``after``, so that a near one is not late). The
turn that the timer starts deletes the row by a write of its own: so a timer is told at least once and takes effect
once, and one whose turn crashed is told again.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from actors.runtime.actor import Ref
from actors.runtime.errors import Unavailable
from actors.runtime.looks import Looks
from actors.runtime.message import SYSTEM
from actors.runtime.packing import Packing
from actors.runtime.ports import Clock

log = logging.getLogger(__name__)
POLL_SECONDS = 1.0
BATCH = 500  # timers told in one look
FULL_SECONDS = 0.05  # until the next look after one that was full
AGAIN_SECONDS = 10.0


class Timer(NamedTuple):
    """One row. ``message`` carries what its handler needs to delete the row."""

    id: str
    kind: str
    key: str
    message_type: str  # see `packing.name_of`
    message: bytes  # MessagePack
    due_at: datetime  # UTC


class TimerRows(Protocol):
    """Where timers are kept."""

    async def due(self, now: datetime, limit: int) -> Sequence[Timer]:
        """Those with ``due_at <= now``, earliest first. Raises ConnectionError."""
        ...

    async def next_due(self, now: datetime) -> datetime | None:
        """When the earliest after ``now`` is due; None when there is none. Raises ConnectionError."""
        ...


class Reaches(Protocol):
    """The system, as timers see it."""

    clock: Clock
    packing: Packing

    def ref(self, kind: str, key: str = "") -> Ref:
        """Return an actor's address. Raises KeyError."""
        ...


class Timers:
    """Tells timers to their actors when they are due; one that is set for less than a second ahead up to a second late.

    ``looks`` says how soon it learns of timers that are set; without it it looks every second.
    """

    def __init__(self, system: Reaches, rows: TimerRows, looks: Looks | None = None) -> None:
        self._system = system
        self._rows = rows
        self._told: dict[str, float] = {}
        self._waiting = 0  # rows of the last look: due, and not ended by then
        self.looks = looks or Looks(POLL_SECONDS)

    def wake(self) -> None:
        """Look again now: a timer was set."""
        self.looks.wake()

    async def run(self) -> None:
        """Tell until cancelled. A database that is gone is asked again a second later."""
        while True:
            self.looks.begin()
            try:
                await self.tell_due()
                seconds = await self._seconds_to_next()
            except ConnectionError:
                log.warning("timers_unavailable", exc_info=True)
                seconds = POLL_SECONDS
            await self.looks.pause(seconds)

    async def tell_due(self) -> int:
        """Tell every due timer once; return how many were told.

        One whose row is still there 10 s after it was told is told again: its turn did not take effect.
        """
        clock, count = self._system.clock, 0
        rows = await self._rows.due(clock.now(), BATCH)
        self._waiting = len(rows)
        for timer in rows:
            if self._told.get(timer.id, 0.0) <= clock.monotonic() and self._tell(timer):
                self._told[timer.id] = clock.monotonic() + AGAIN_SECONDS
                count += 1
        waiting = {timer.id for timer in rows}
        self._told = {id_: again_at for id_, again_at in self._told.items() if id_ in waiting}
        return count

    def _tell(self, timer: Timer) -> bool:
        try:
            message = self._system.packing.unpack_message(timer.message_type, timer.message)
            self._system.ref(timer.kind, timer.key).tell(message, SYSTEM)
        except Unavailable:
            return False  # a full mailbox: it stays due
        except Exception:
            log.exception("timer_not_understood", extra={"timer": timer.id, "message_type": timer.message_type})
        return True

    async def _seconds_to_next(self) -> float | None:
        """None: nothing is set. What is due already was told, and may have to be told again."""
        if self._waiting == BATCH:
            return FULL_SECONDS
        now = self._system.clock.now()
        due_at = await self._rows.next_due(now)
        seconds = None if due_at is None else max(0.0, (due_at - now).total_seconds())
        if not self._waiting:
            return seconds
        return POLL_SECONDS if seconds is None else min(POLL_SECONDS, seconds)
