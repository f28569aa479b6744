"""Labels and their batches."""

from collections.abc import Sequence
from datetime import datetime

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("label")
LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"


class LabelStore:
    """Reads; writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_label(self, code: str, caller: str) -> Record | None:
        """A label; ``concerns``: its letter concerns the caller."""
        return await self._database.fetchrow(Q.get_label, code, caller)

    async def get_batch(self, batch_id: str) -> Record | None:
        """One batch."""
        return await self._database.fetchrow(Q.get_batch, batch_id)

    async def list_batches(self, made_by: str | None, before: tuple[datetime, str] | None, limit: int) -> list[Record]:
        """Batches of somebody, or of everybody, newest first; ``before`` is (created_at, id) of the last one seen."""
        at, before_id = before or (None, LAST_ID)
        return await self._database.fetch(Q.list_batches, made_by, at, before_id, limit)

    async def list_labels(self, batch_id: str, after: str, limit: int) -> list[Record]:
        """The labels of a batch, by code."""
        return await self._database.fetch(Q.list_labels, batch_id, after, limit)

    async def list_codes(self, batch_id: str, offset: int, limit: int) -> list[str]:
        """The codes of a page of a batch."""
        return [row["code"] for row in await self._database.fetch(Q.list_codes, batch_id, offset, limit)]

    async def list_taken(self, codes: Sequence[str]) -> set[str]:
        """Those of these codes that labels have."""
        return {row["code"] for row in await self._database.fetch(Q.list_taken, codes)}
