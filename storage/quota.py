"""What accounts may use, and have used."""

from datetime import date

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("quota")


class QuotaStore:
    """Reads; writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_quota(self, user_id: str, month: date) -> Record | None:
        """``used_tasks`` (in ``month``), ``used_storage`` and own bounds (None: by role)."""
        return await self._database.fetchrow(Q.get_quota, user_id, month)
