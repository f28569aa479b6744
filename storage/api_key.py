"""API keys: what they stand for."""

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("api_key")


class ApiKeyStore:
    """Reads; writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_api_key(self, api_key_id: str) -> Record | None:
        """The key's row with ``n``, the number of its last event."""
        return await self._database.fetchrow(Q.get_api_key, api_key_id)

    async def list_api_keys(self, user_id: str, before: str | None, limit: int) -> list[Record]:
        """An account's keys, newest first; ``before`` is the id of the last one seen."""
        return await self._database.fetch(Q.list_api_keys, user_id, before, limit)

    async def get_standing(self, api_key_id: str) -> Record | None:
        """``user_id, hash, scopes, expires_at, role, status``; None when there is no such key (any more)."""
        return await self._database.fetchrow(Q.get_key_standing, api_key_id)
