"""When people were last connected."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from storage import queries
from storage.postgres import Database

Q = queries.load("seen")


class SeenStore:
    """Reads, and the one write, which is no turn: what it says may be lost, and then an earlier moment stands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_seen(self, seen: Mapping[str, datetime]) -> None:
        """Note moments by user id, in one statement. Raises `DatabaseUnavailable`, `IntegrityViolation`."""
        await self._database.execute(Q.save_seen, list(seen), list(seen.values()))

    async def list_seen(self, user_ids: Iterable[str]) -> dict[str, datetime]:
        """Moments by user id, of those who have been there. Raises `DatabaseUnavailable`."""
        return {row["user_id"]: row["at"] for row in await self._database.fetch(Q.list_seen, list(user_ids))}
