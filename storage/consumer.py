"""A durable consumer of events: where it stands in each lane, and how it goes on after a failure."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from storage import queries
from storage.events import EventRow
from storage.postgres import Database
from storage.recent import Lane
from storage.source import Source

Q = queries.load("relay")
_LONGEST_PAUSE_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 0.1
_KEEP_SECONDS = 0.3
_log = logging.getLogger(__name__)

Deliver = Callable[[Sequence[EventRow]], Awaitable[None]]


class Position:
    """How far a consumer has come in one lane."""

    __slots__ = ("failures", "kept", "not_before", "seq")

    def __init__(self, seq: int) -> None:
        self.seq = self.kept = seq  # everything up to here was delivered, or is of no interest; what the table knows
        self.failures = 0
        self.not_before = 0.0  # monotonic


class Consumer:
    """Delivers, lane by lane, what lies between its positions and the heads that it was shown.

    Positions are kept a few times a second and at the end. What was delivered since is delivered again after a crash.
    """

    def __init__(self, db: Database, source: Source, name: str, types: frozenset[str], deliver: Deliver) -> None:
        self._db = db
        self._source = source
        self._deliver = deliver
        self._positions: dict[Lane, Position] = {}
        self._heads: Mapping[Lane, int] = {}
        self._seen = asyncio.Event()
        self._is_stopping = False
        self._kept_at = 0.0  # monotonic
        self.name = name
        self.types = types

    async def load(self) -> None:
        """Read the stored positions; what has come further stays. Raises `DatabaseUnavailable`."""
        for row in await self._db.fetch(Q.list_positions, self.name):
            position = self._position((row["house"], row["lane"]))
            position.seq, position.kept = max(position.seq, row["seq"]), max(position.kept, row["seq"])

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
            await self._wait()
            for lane, head in self._heads.items():
                await self._follow(lane, head)
            if time.monotonic() - self._kept_at >= _KEEP_SECONDS:
                await self._keep()
        await self._keep()

    def reached(self, lane: Lane) -> int:
        """The seq in this lane up to which nothing is left to deliver."""
        return self._position(lane).seq

    async def lag(self, heads: Mapping[Lane, int]) -> int:
        """Return how many events are yet to be delivered."""
        behind = [(*lane, self.reached(lane)) for lane, head in heads.items() if self.reached(lane) < head]
        if not behind:
            return 0
        args = (*map(list, zip(*behind, strict=True)), sorted(self.types))
        count: int = await self._db.fetchval(Q.count_undelivered, *args)
        return count

    def _position(self, lane: Lane) -> Position:
        position = self._positions.get(lane)
        if position is None:
            position = self._positions[lane] = Position(0)
        return position

    async def _wait(self) -> None:
        """Until something is seen, or there is something to do that needs no news."""
        try:
            async with asyncio.timeout(self._seconds_left()):
                await self._seen.wait()
        except TimeoutError:
            return
        self._seen.clear()

    def _seconds_left(self) -> float | None:
        """Until positions are to be kept, or what failed is tried again; None: nothing is left to do."""
        seconds = [_KEEP_SECONDS] if self._unkept() else []
        now = time.monotonic()
        for lane, head in self._heads.items():
            position = self._position(lane)
            if position.failures and position.seq < head:
                seconds.append(max(0.0, position.not_before - now))
        return min(seconds, default=None)

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
        events, reached = await self._source.next(lane, position.seq, head)
        wanted = [event for event in events if event.type in self.types]
        if wanted:
            await self._deliver(wanted)
        position.seq = reached

    def _unkept(self) -> list[tuple[Lane, int]]:
        return [(lane, position.seq) for lane, position in self._positions.items() if position.seq != position.kept]

    async def _keep(self) -> None:
        """Store positions that have changed. What cannot be kept now is kept later."""
        self._kept_at = time.monotonic()
        if not (unkept := self._unkept()):
            return
        rows = ((*lane, seq) for lane, seq in unkept)
        try:
            await self._db.execute(Q.update_positions, self.name, *map(list, zip(*rows, strict=True)))
        except Exception as error:  # noqa: BLE001 - deliveries go on; after a crash some are repeated
            _log.warning("positions_not_kept", extra={"consumer": self.name, "reason": str(error)})
        else:
            for lane, seq in unkept:
                self._positions[lane].kept = seq

    def _explain(self, lane: Lane, position: Position, error: Exception) -> dict[str, object]:
        reason = str(error) or type(error).__name__
        return {
            "consumer": self.name,
            "lane": lane,
            "after": position.seq,
            "tries": position.failures,
            "reason": reason,
        }
