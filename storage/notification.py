"""Inboxes, their entries, and jobs that notify many."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record

from storage import queries
from storage.postgres import Database

Q = queries.load("notification")


class NotificationStore:
    """Reads; writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_inbox(self, user_id: str) -> Record | None:
        """``preferences`` (JSON or None) and ``n`` (0 until the inbox's first event); None: there is no such person."""
        return await self._database.fetchrow(Q.get_inbox, user_id)

    async def list_taken(self, user_id: str, sources: Sequence[str]) -> set[str]:
        """Which of these sources the inbox has taken already."""
        rows = await self._database.fetch(Q.list_taken, user_id, list(sources))
        return {row["source"] for row in rows}

    async def list_notifications(
        self, user_id: str, *, unread: bool | None, kind: str | None, before: tuple[datetime, str] | None, limit: int
    ) -> list[Record]:
        """Entries, newest first; ``before`` is (created_at, id) of the last one seen."""
        at, before_id = before or (None, None)
        return await self._database.fetch(Q.list_notifications, user_id, unread, kind, at, before_id, limit)

    async def count_unread(self, user_id: str) -> int:
        """How many entries are unread."""
        return int(await self._database.fetchval(Q.count_unread, user_id))

    async def delete_old(self, before: datetime, most: int) -> int:
        """Remove up to ``most`` entries from before a moment; return how many."""
        return await self._database.execute(Q.delete_old_notifications, before, most)

    async def get_job(self, job_id: str) -> Record | None:
        """A job's row."""
        return await self._database.fetchrow(Q.get_job, job_id)

    async def count_recipients(self, job_id: str) -> int:
        """How many people there were when the job began."""
        return int(await self._database.fetchval(Q.count_recipients, job_id))

    async def list_recipients(self, job_id: str, after: str | None, limit: int) -> list[str]:
        """Ids of those people in order, those after ``after``."""
        return [row["id"] for row in await self._database.fetch(Q.list_recipients, after, job_id, limit)]
