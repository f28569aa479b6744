"""Sessions of accounts, and API keys: what tokens stand for."""

from datetime import datetime

from storage import queries
from storage.postgres import Database, Record
from storage.shared import SharedRead

Q = queries.load("session")
K = queries.load("api_key")


class SessionStore:
    """Reads and cleaning; other writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._standings = SharedRead[str](database, Q.list_standings, key="id")

    async def get_standing(self, session_id: str) -> Record | None:
        """``user_id, has_ended, role, status``; None when there is no such session (any more)."""
        return await self._standings.get(session_id)

    async def list_sessions(self, user_id: str, seen_after: datetime) -> list[Record]:
        """Living sessions, newest first."""
        return await self._database.fetch(Q.list_sessions, user_id, seen_after)

    async def delete_dead(self, *, seen_before: datetime, now: datetime) -> int:
        """Forget sessions and refresh tokens that can be used no more; return how many sessions."""
        await self._database.execute(Q.delete_expired_tokens, now)
        return await self._database.execute(Q.delete_dead_sessions, seen_before)


class ApiKeyStore:
    """Reads; writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_api_key(self, api_key_id: str) -> Record | None:
        """The key's row with ``n``, the number of its last event."""
        return await self._database.fetchrow(K.get_api_key, api_key_id)

    async def list_api_keys(self, user_id: str, before: str | None, limit: int) -> list[Record]:
        """An account's keys, newest first; ``before`` is the id of the last one seen."""
        return await self._database.fetch(K.list_api_keys, user_id, before, limit)

    async def get_standing(self, api_key_id: str) -> Record | None:
        """``user_id, hash, scopes, expires_at, role, status``; None when there is no such key (any more)."""
        return await self._database.fetchrow(K.get_key_standing, api_key_id)
