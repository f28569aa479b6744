"""Phone numbers that text messages go to."""

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("sms")


class SmsStore:
    """Reads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_phone(self, user_id: str) -> Record | None:
        """``username``, ``is_active`` and ``phone`` (or None) of an account; None: there is no such person."""
        return await self._database.fetchrow(Q.get_phone, user_id)
