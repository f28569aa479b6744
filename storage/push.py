"""Subscriptions to Web Push."""

from datetime import datetime

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("push")
LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"


class PushStore:
    """Reads; writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_pushes(self, user_id: str, before: tuple[datetime, str] | None, limit: int) -> list[Record]:
        """A person's subscriptions, newest first; ``before`` is (created_at, id) of the last one seen."""
        at, before_id = before or (None, LAST_ID)
        return await self._database.fetch(Q.list_pushes, user_id, at, before_id, limit)

    async def list_addresses(self, user_id: str) -> list[Record]:
        """``username``, ``is_active`` and ``id`` of each subscription, or None; no row: no such person."""
        return await self._database.fetch(Q.list_push_addresses, user_id)

    async def get_push(self, push_id: str, user_id: str) -> Record | None:
        """``endpoint``, ``p256dh`` and ``auth`` of a person's subscription."""
        return await self._database.fetchrow(Q.get_push, push_id, user_id)
