"""What waits to leave the house: leased by those who send it, and what became of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("outgoing")
MOST_ROWS = 500
"""Rows that go into one parcel; what is beyond them goes into the next one."""


class Copy(NamedTuple):
    """One row more, for another address of the same person."""

    source_id: str
    id: str
    parcel: str
    address: str


class OutgoingStore:
    """Leases, marks and lists. A mark by a lease that has run out changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(
        self, channel: str, now: datetime, *, most: int, lease: str, lease_seconds: float
    ) -> Sequence[Sequence[Record]]:
        """Lease up to ``most`` parcels that are due; the rows of each, oldest first."""
        rows = await self._database.fetch(Q.take_outgoing, channel, now, most, lease, lease_seconds, MOST_ROWS)
        parcels: dict[str, list[Record]] = {}
        for row in rows:
            parcels.setdefault(row["parcel"], []).append(row)
        return list(parcels.values())

    async def end(self, ids: Sequence[str], lease: str, state: str, error: str | None, now: datetime) -> None:
        """Mark leased rows as ``sent``, ``dropped`` or ``dead``."""
        await self._database.execute(Q.end_outgoing, list(ids), lease, state, error, now)

    async def delay(self, ids: Sequence[str], lease: str, due_at: datetime, error: str, *, counts: bool = True) -> None:
        """Let leased rows wait for another attempt; one that does not count is taken back."""
        await self._database.execute(Q.delay_outgoing, list(ids), lease, due_at, error, 0 if counts else 1)

    async def split(self, ids: Sequence[str], lease: str, address: str, copies: Sequence[Copy], now: datetime) -> None:
        """Tie leased rows to one address, and add copies for the others."""
        await self._database.execute(
            Q.split_outgoing, list(ids), lease, address, now, *map(list, zip(*copies, strict=True))
        )

    async def get_next_due(self, channel: str) -> datetime | None:
        """When the next parcel is due that nobody is sending, or the lease of one runs out."""
        due: datetime | None = await self._database.fetchval(Q.get_next_due, channel)
        return due

    async def list_outgoing(
        self, *, state: str | None, channel: str | None, user_id: str | None, before: str | None, limit: int
    ) -> list[Record]:
        """Rows without their content, newest first; ``before`` is the id of the last one seen."""
        return await self._database.fetch(Q.list_outgoing, state, channel, user_id, before, limit)

    async def get_outgoing(self, outgoing_id: str) -> Record | None:
        """One row without its content."""
        return await self._database.fetchrow(Q.get_outgoing, outgoing_id)

    async def get_recipient(self, user_id: str) -> Record | None:
        """``username``, ``email``, ``is_verified``, ``is_active``; None: there is no such person."""
        return await self._database.fetchrow(Q.get_recipient, user_id)

    async def delete_old(self, before: datetime, most: int) -> int:
        """Remove up to ``most`` rows that were sent or dropped before a moment; return how many."""
        return await self._database.execute(Q.delete_old_outgoing, before, most)

    async def delete_old_dead(self, before: datetime, most: int) -> int:
        """Remove up to ``most`` rows that died before a moment; return how many."""
        return await self._database.execute(Q.delete_old_dead, before, most)
