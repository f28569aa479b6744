"""A durable consumer of events: where it stands in each lane, and how it goes on after a failure."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from storage import queries
from storage.events import EventRow
from storage.postgres import Database

Q = queries.load("relay")
BATCH = 500
_LONGEST_PAUSE_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 0.1
_STORE_SECONDS = 1.0
_log = logging.getLogger(__name__)

Deliver = Callable[[Sequence[EventRow]], Awaitable[None]]
Lane = tuple[int, int]
"""(house, lane)"""


class Position:
    """How far a consumer has come in one lane."""

    __slots__ = ("failures", "not_before", "seq", "stored_at")

    def __init__(self, seq: int) -> None:
        self.seq = seq  # everything up to here was delivered, or is of no interest
        self.failures = 0
        self.not_before = 0.0  # monotonic
        self.stored_at = 0.0  # monotonic


class Consumer:
    """Delivers, lane by lane, what lies between its positions and the heads that it was shown."""

    def __init__(self, db: Database, name: str, types: frozenset[str], deliver: Deliver) -> None:
        self._db = db
        self._types = sorted(types)
        self._deliver = deliver
        self._positions: dict[Lane, Position] = {}
        self._heads: Mapping[Lane, int] = {}
        self._seen = asyncio.Event()
        self._is_stopping = False
        self.name = name

    async def load(self) -> None:
        """Read the stored positions. Raises `DatabaseUnavailable`."""
        for row in await self._db.fetch(Q.list_positions, self.name):
            self._positions[row["house"], row["lane"]] = Position(row["seq"])

    def see(self, heads: Mapping[Lane, int]) -> None:
        """Learn how far the lanes have come; `run` wakes up if that concerns it."""
        self._heads = heads
        self._seen.set()

    def stop(self) -> None:
        """Let `run` end after the batch that is being delivered."""
        self._is_stopping = True
        self._seen.set()

    async def run(self) -> None:
        """Deliver until stopped."""
        while not self._is_stopping:
            await self._seen.wait()
            self._seen.clear()
            for lane, head in self._heads.items():
                await self._follow(lane, head)

    async def lag(self, heads: Mapping[Lane, int]) -> int:
        """Return how many events are yet to be delivered."""
        behind = [(*lane, self._position(lane).seq) for lane, head in heads.items() if self._position(lane).seq < head]
        if not behind:
            return 0
        count: int = await self._db.fetchval(Q.count_undelivered, *map(list, zip(*behind, strict=True)), self._types)
        return count

    def _position(self, lane: Lane) -> Position:
        return self._positions.setdefault(lane, Position(0))

    async def _follow(self, lane: Lane, head: int) -> None:
        position = self._position(lane)
        while position.seq < head and not self._is_stopping and time.monotonic() >= position.not_before:
            try:
                await self._advance(lane, position, head)
                position.failures = 0
            except Exception as error:  # noqa: BLE001 - a consumer's own: it is tried again, and says so
                pause = min(_FIRST_PAUSE_SECONDS * 2 ** min(position.failures, 16), _LONGEST_PAUSE_SECONDS)
                position.failures += 1
                position.not_before = time.monotonic() + pause
                _log.warning("delivery_failed", extra=self._explain(lane, position, error))

    async def _advance(self, lane: Lane, position: Position, head: int) -> None:
        rows = await self._db.fetch(Q.list_undelivered, *lane, position.seq, head, self._types, BATCH)
        if rows:
            await self._deliver([EventRow.of(row) for row in rows])
        reached = rows[-1]["seq"] if len(rows) == BATCH else head
        now = time.monotonic()
        # Skipping what is of no interest need not be remembered at once: repeating it costs a read and no delivery.
        if rows or now - position.stored_at > _STORE_SECONDS:
            await self._db.execute(Q.update_position, self.name, *lane, reached)
            position.stored_at = now
        position.seq = reached

    def _explain(self, lane: Lane, position: Position, error: Exception) -> dict[str, object]:
        reason = str(error) or type(error).__name__
        return {
            "consumer": self.name,
            "lane": lane,
            "after": position.seq,
            "tries": position.failures,
            "reason": reason,
        }
