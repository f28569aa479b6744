"""Chats, their members and their messages, as those who are in them see them."""

import re
from collections.abc import Sequence
from datetime import datetime

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("chat_view")
FIRST_ID = "00000000-0000-0000-0000-000000000000"
LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_is_id = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch


class ChatViews:
    """Reads. What a viewer is no member of is not there. ``words``: text form of a tsquery; None finds nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_chat(self, viewer: str, chat_id: str) -> Record | None:
        """One of the viewer's chats."""
        return await self._database.fetchrow(Q.list_chats, viewer, chat_id, None, LAST_ID, 1)

    async def list_chats(self, viewer: str, before: tuple[datetime, str] | None, limit: int) -> list[Record]:
        """The viewer's chats, by last activity; ``before`` is (active_at, id) of the last one seen."""
        at, before_id = before or (None, LAST_ID)
        return await self._database.fetch(Q.list_chats, viewer, None, at, before_id, limit)

    async def get_member(self, viewer: str, chat_id: str, user_id: str) -> Record | None:
        """A member of one of the viewer's chats."""
        return await self._database.fetchrow(Q.get_member, chat_id, viewer, user_id)

    async def list_members(
        self, viewer: str, chat_id: str, after: tuple[datetime, str] | None, limit: int
    ) -> list[Record] | None:
        """Members by when they came, None to a stranger; ``after`` is (joined_at, user_id) of the last one seen."""
        at, after_id = after or (None, FIRST_ID)
        rows = await self._database.fetch(Q.list_members, chat_id, viewer, at, after_id, limit)
        return _seen(rows, "user_id")

    async def list_messages(
        self, viewer: str, chat_id: str, *, after: int, before: int, forward: bool, limit: int
    ) -> list[Record] | None:
        """Messages between two ``seq``, both left out, None to a stranger: the oldest first, or the newest."""
        statement = Q.list_messages_after if forward else Q.list_messages_before
        return _seen(await self._database.fetch(statement, chat_id, viewer, after, before, limit), "id")

    async def find_messages(
        self, viewer: str, chat_id: str, words: str | None, *, after: int, before: int, forward: bool, limit: int
    ) -> list[Record] | None:
        """As `list_messages`, those that fit a query, which names the chat."""
        statement = Q.find_messages_after if forward else Q.find_messages_before
        return _seen(await self._database.fetch(statement, chat_id, viewer, after, before, limit, words), "id")

    async def search_messages(
        self, viewer: str, words: str | None, before: tuple[datetime, str] | None, limit: int
    ) -> list[Record]:
        """Messages of all the viewer's chats that fit, newest first; ``before`` is (created_at, id) of the last one."""
        at, before_id = before or (None, LAST_ID)
        return await self._database.fetch(Q.search_messages, viewer, words, at, before_id, limit)

    async def get_message(self, viewer: str, message_id: str) -> Record | None:
        """A message of one of the viewer's chats."""
        return await self._database.fetchrow(Q.get_message, message_id, viewer)

    async def get_direct(self, pair: str) -> str | None:
        """The id of the direct chat of a pair."""
        chat_id: str | None = await self._database.fetchval(Q.get_direct, pair)
        return chat_id

    async def list_people(self, viewer: str, names: Sequence[str]) -> list[Record]:
        """``id, username, is_blocked`` of people by id or username, in order; null where the viewer finds none."""
        ids = [name if _is_id(name) else None for name in names]
        return await self._database.fetch(Q.list_people, viewer, ids, names)


def _seen(rows: list[Record], key: str) -> list[Record] | None:
    """A member's empty list is one row of nulls; a stranger's has no row."""
    return [row for row in rows if row[key] is not None] if rows else None
