"""Messages that could not be handled, kept until someone delivers them again or gives them up."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from storage import queries
from storage.postgres import Database

Q = queries.load("dead_letter")
_END = (datetime(9999, 1, 1, tzinfo=UTC), "")


class DeadLetterRow(NamedTuple):
    """A message that could not be handled, without its secrets."""

    id: str
    kind: str
    key: str
    message_type: str
    message: bytes  # MessagePack, secrets blanked
    caller: bytes  # MessagePack
    error: str
    attempts: int
    at: datetime


class DeadLetterStore:
    """Stores, lists and deletes dead letters."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def store(self, letter: Sequence[object]) -> None:
        """Store one: a tuple in the order of `DeadLetterRow`. The same id again changes nothing."""
        await self._db.execute(Q.insert_dead_letter, *letter)

    async def list_dead_letters(
        self, cursor: tuple[datetime, str] | None = None, limit: int = 100
    ) -> Sequence[DeadLetterRow]:
        """Newest first; ``cursor`` is (at, id) of the last one of the page before."""
        rows = await self._db.fetch(Q.list_dead_letters, *(cursor or _END), limit)
        return [DeadLetterRow(*row) for row in rows]

    async def get_dead_letter(self, letter_id: str) -> DeadLetterRow | None:
        """Return one, or None."""
        row = await self._db.fetchrow(Q.get_dead_letter, letter_id)
        return DeadLetterRow(*row) if row is not None else None

    async def delete_dead_letter(self, letter_id: str) -> bool:
        """Delete one; whether there was one."""
        return await self._db.execute(Q.delete_dead_letter, letter_id) > 0

    async def delete_old(self, before: datetime) -> int:
        """Forget those from before a moment; return how many."""
        return await self._db.execute(Q.delete_old_dead_letters, before)

    async def count_dead_letters(self) -> int:
        """Return how many there are."""
        count: int = await self._db.fetchval(Q.count_dead_letters)
        return count
