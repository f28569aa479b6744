"""Durable timers as behaviours and the runtime see them: writes that set and end them, rows that are due."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from actors.runtime.placement import partition_of
from actors.runtime.system import System
from actors.runtime.timers import Timer
from storage.timers import TimerRow, TimerStore, delete_timer, insert_timer
from storage.write import Write


class Clockwork:
    """Implements `actors.runtime.timers.TimerRows`. ``system`` is set once the actors exist."""

    system: System

    def __init__(self, store: TimerStore, partitions: Callable[[], list[int] | None]) -> None:
        """``partitions`` says whose timers this house tells; None: everybody's."""
        self._store = store
        self._partitions = partitions

    def set(self, timer_id: str, kind: str, key: str, message: Any, due_at: datetime) -> Write:
        """The write that sets a timer; the same id again changes nothing."""
        packing = self.system.packing
        packed = packing.pack_message(message)
        timer = TimerRow(timer_id, kind, key, packing.wire_name(message), packed, due_at)
        return insert_timer(timer, partition_of(kind, key))

    def end(self, timer_id: str) -> Write:
        """The write that ends a timer: part of the turn after which nobody need be told any more."""
        return delete_timer(timer_id)

    async def due(self, now: datetime, limit: int) -> Sequence[Timer]:
        """Those whose time has come."""
        return [Timer(*row) for row in await self._store.list_due(now, limit, self._partitions())]

    async def next_due(self, now: datetime) -> datetime | None:
        """When the next one after ``now`` is due."""
        return await self._store.get_next_due(now, self._partitions())
