"""Reports, and the messages that they are about."""

from datetime import datetime

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("report")


class ReportStore:
    """Reads; writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_report(self, report_id: str) -> Record | None:
        """A report's row."""
        return await self._database.fetchrow(Q.get_report, report_id)

    async def list_reports(self, status: str | None, before: tuple[datetime, str] | None, limit: int) -> list[Record]:
        """Reports, newest first; ``before`` is (created_at, id) of the last one seen."""
        at, before_id = before or (None, None)
        return await self._database.fetch(Q.list_reports, status, at, before_id, limit)

    async def get_reported(self, chat_id: str, message_id: str, user_id: str) -> Record | None:
        """A message of one of a person's chats, with the ``report_id`` of their report; None: no such for them."""
        return await self._database.fetchrow(Q.get_reported, chat_id, message_id, user_id)
