"""Sessions of accounts: what access tokens stand for."""

from datetime import datetime

from storage import queries
from storage.postgres import Database, Record
from storage.shared import SharedRead

Q = queries.load("session")


class SessionStore:
    """Reads and cleaning; other writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._standings = SharedRead[str](database, Q.list_standings, key="id")

    async def get_standing(self, session_id: str) -> Record | None:
        """``user_id, has_ended, role, status``; None when there is no such session (any more)."""
        return await self._standings.get(session_id)

    async def list_sessions(self, user_id: str, seen_after: datetime, before: str | None, limit: int) -> list[Record]:
        """Living sessions, newest first; ``before`` is the id of the last one seen."""
        return await self._database.fetch(Q.list_sessions, user_id, seen_after, before, limit)

    async def delete_dead(self, *, seen_before: datetime, now: datetime) -> int:
        """Forget sessions and refresh tokens that can be used no more; return how many sessions."""
        await self._database.execute(Q.delete_expired_tokens, now)
        return await self._database.execute(Q.delete_dead_sessions, seen_before)
