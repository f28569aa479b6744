"""Where consumers get events from: what was just committed from memory, the rest from the table, once for all."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

from storage import queries
from storage.events import EventRow
from storage.postgres import Database
from storage.recent import Lane, Recent

Q = queries.load("relay")
BATCH = 500


class Source:
    """Gives the next events of a lane, of the types that any consumer wants."""

    def __init__(self, db: Database, recent: Recent) -> None:
        self._db = db
        self._recent = recent
        self._types: list[str] = []
        self._reading: defaultdict[Lane, asyncio.Lock] = defaultdict(asyncio.Lock)

    def want(self, types: Iterable[str]) -> None:
        """Say which types any consumer wants."""
        self._types = sorted(types)

    async def next(self, lane: Lane, after: int, head: int) -> tuple[Sequence[EventRow], int]:
        """Return up to `BATCH` events behind ``after``, in order of commit, and the seq that is reached with them.

        ``head`` is the seq of an event that is committed, so that all before it are. Raises as `Database.fetch` does.
        """
        found = self._recent.between(lane, after, head, BATCH)
        if found is None:
            async with self._reading[lane]:  # another consumer may be about to read the same
                found = self._recent.between(lane, after, head, BATCH) or await self._read(lane, after, head)
        return found

    async def _read(self, lane: Lane, after: int, head: int) -> tuple[Sequence[EventRow], int]:
        rows = await self._db.fetch(Q.list_undelivered, *lane, after, head, self._types, BATCH)
        events = [EventRow.of(row) for row in rows]
        reached = events[-1].seq if len(events) == BATCH else head
        self._recent.fill(lane, after, events, reached)
        return events, reached
