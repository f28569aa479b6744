"""Reads the event table: streams in order for realtime and replay, all of it for those who audit."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from storage import queries
from storage.postgres import Database, Record
from storage.shared import SharedRead

Q = queries.load("event")
HOUSE = queries.load("house")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)
_LAST = 2**63 - 1


class EventRow(NamedTuple):
    """One stored event."""

    stream: str
    n: int  # 1, 2, 3 ... without gaps inside its stream
    type: str
    body: bytes  # JSON
    caller: str | None
    cause: str
    ordinal: int
    house: int
    lane: int
    seq: int  # order of commit inside (house, lane)
    at: datetime

    @classmethod
    def of(cls, record: Record) -> "EventRow":
        """Make one from a row that has its columns in this order."""
        stream, n, type_, body, *rest = record
        return cls(stream, n, type_, body.encode(), *rest)


class Cursor(NamedTuple):
    """Where a page of events ended."""

    at: datetime
    stream: str
    n: int


class EventStore:
    """Reads streams. ``head`` and ``epoch`` are what a realtime client's position is made of."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._heads: SharedRead[str] = SharedRead(db, Q.get_heads, key="stream")

    async def read_stream(
        self, stream: str, after: int | None = None, limit: int = 100, *, reverse: bool = False
    ) -> Sequence[EventRow]:
        """Events with n > ``after`` in order; with ``reverse`` newest first, n < ``after`` where given."""
        statement = Q.list_stream_newest if reverse else Q.list_stream
        edge = after if after is not None else (_LAST if reverse else 0)
        return [EventRow.of(row) for row in await self._db.fetch(statement, stream, edge, limit)]

    async def list_streams(self, prefix: str, batch: int = 1_000) -> AsyncIterator[str]:
        """Go through the names of all streams that begin with ``prefix``, in order."""
        last = ""
        while rows := await self._db.fetch(Q.list_streams, prefix, last, batch):
            for (last,) in rows:
                yield last

    async def head(self, stream: str) -> int:
        """Return the number of the newest event; 0 when there is none. Heads asked at the same time share a read."""
        row = await self._heads.get(stream)
        return row["n"] if row is not None else 0

    async def heads(self, streams: Sequence[str]) -> dict[str, int]:
        """Return the numbers of the newest events of many streams; one without events may be missing."""
        return {row["stream"]: row["n"] for row in await self._db.fetch(Q.get_heads, list(streams))}

    async def list_events(
        self,
        *,
        stream: str | None = None,
        type: str | None = None,  # noqa: A002 - the column's name
        caller: str | None = None,
        since: datetime | None = None,
        cursor: Cursor | None = None,
        limit: int = 100,
    ) -> Sequence[EventRow]:
        """Events newest first that match every filter given; ``cursor`` is the last one of the page before."""
        end, start = cursor or Cursor(_END, "", _LAST), since or _BEGINNING
        if stream is not None:
            rows = await self._db.fetch(Q.list_events_of_stream, type, start, end.n, limit, stream, caller)
        elif caller is not None:
            rows = await self._db.fetch(Q.list_events_of_caller, type, start, *end, limit, caller)
        else:
            rows = await self._db.fetch(Q.list_events, type, start, *end, limit)
        return [EventRow.of(row) for row in rows]

    async def epoch(self) -> str:
        """Return what changes when history may have forked: another cluster, a promotion, a restored backup."""
        epoch: str = await self._db.fetchval(HOUSE.get_epoch)
        return epoch

    async def update_epoch(self) -> None:
        """Say that history may have forked: part of every restore."""
        await self._db.execute(HOUSE.update_epoch)

    async def delete_events(self, before: datetime, batch: int = 1_000) -> int:
        """Delete older events, but never the newest of a stream nor one that a consumer has yet to hear.

        Walks once over what is older, ``batch`` events to a transaction. Returns how many were deleted.
        """
        cursor, deleted = Cursor(_BEGINNING, "", 0), 0
        while True:
            row = await self._db.fetchrow(Q.delete_events, before, *cursor, batch)
            if row is None:
                return deleted
            deleted += row["deleted"]
            cursor = Cursor(row["at"], row["stream"], row["n"])
