"""Durable timers: messages that are due at a moment, and are gone once the turn they start is committed."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from storage import queries
from storage.postgres import Database
from storage.write import Write

Q = queries.load("timer")


class TimerRow(NamedTuple):
    """One timer that is set."""

    id: str
    kind: str
    key: str
    message_type: str
    message: bytes  # MessagePack
    due_at: datetime


def insert_timer(timer: TimerRow, partition: int = 0) -> Write:
    """Return the write that sets a timer; the same id again changes nothing. The partition is the actor's."""
    return Write(Q.insert_timers, (*timer, partition))


def delete_timer(timer_id: str, gone: Exception | None = None) -> Write:
    """Return the write that ends a timer: part of the turn that it starts, or of one that cancels it.

    With ``gone`` the turn is refused with it when the timer is not set any more, so that it starts one turn only.
    """
    return Write(Q.delete_timers, (timer_id,), expect=None if gone is None else 1, otherwise=gone)


class TimerStore:
    """Lists timers that are due."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list_due(
        self, now: datetime, limit: int = 100, partitions: Sequence[int] | None = None
    ) -> Sequence[TimerRow]:
        """Return timers whose time has come, oldest first, of all partitions or of some.

        They stay set until a turn deletes them.
        """
        return [TimerRow(*row) for row in await self._db.fetch(Q.list_due, now, limit, partitions)]

    async def get_next_due(self, after: datetime, partitions: Sequence[int] | None = None) -> datetime | None:
        """Return when the first one after a moment is due, or None."""
        due: datetime | None = await self._db.fetchval(Q.get_next_due, after, partitions)
        return due
