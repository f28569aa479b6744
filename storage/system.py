"""What the person who keeps the house running may look at: houses, events, dead letters."""

from datetime import datetime

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("system")


class SystemStore:
    """Reads, and the removal of dead letters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_houses(self, after: int | None, limit: int) -> list[Record]:
        """Houses in the order of their ids."""
        return await self._database.fetch(Q.list_houses, after, limit)

    async def list_events(
        self,
        *,
        stream: str | None,
        kind: str | None,
        user_id: str | None,
        since: datetime | None,
        before: tuple[datetime, str, int] | None,
        limit: int,
    ) -> list[Record]:
        """Events, newest first; ``before`` is (at, stream, n) of the last one seen."""
        at, before_stream, n = before or (None, None, None)
        return await self._database.fetch(Q.list_events, stream, kind, user_id, since, at, before_stream, n, limit)

    async def list_dead_letters(self, before: tuple[datetime, str] | None, limit: int) -> list[Record]:
        """Dead letters, newest first; ``before`` is (at, id) of the last one seen."""
        return await self._database.fetch(Q.list_dead_letters, *(before or (None, None)), limit)

    async def get_dead_letter(self, letter_id: str) -> Record | None:
        """One dead letter."""
        return await self._database.fetchrow(Q.get_dead_letter, letter_id)

    async def delete_dead_letter(self, letter_id: str) -> bool:
        """Remove one; False when there was none."""
        return await self._database.execute(Q.delete_dead_letter, letter_id) > 0
