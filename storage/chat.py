"""Rooms as their actors read them."""

from collections.abc import Collection

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("chat")


class ChatStore:
    """Reads; writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_chat(self, chat_id: str) -> Record | None:
        """The chat's row with ``members`` as JSON."""
        return await self._database.fetchrow(Q.get_chat, chat_id)

    async def get_message(self, chat_id: str, message_id: str) -> Record | None:
        """A message of a chat."""
        return await self._database.fetchrow(Q.get_message, chat_id, message_id)

    async def get_sent(self, chat_id: str, sender_id: str, client_id: str) -> Record | None:
        """The message that its sender has named ``client_id``."""
        return await self._database.fetchrow(Q.get_sent, chat_id, sender_id, client_id)

    async def list_recalled(self, message_ids: Collection[str]) -> set[str]:
        """Which of these messages were taken back."""
        return {row["id"] for row in await self._database.fetch(Q.list_recalled, list(message_ids))}
