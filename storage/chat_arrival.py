"""Who is to be told of what happens in chats, and who has been."""

from collections.abc import Collection, Mapping, Sequence

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("chat_arrival")


class ChatArrivalStore:
    """A chat or a member who is gone is not there, whatever was asked for. Raises `DatabaseUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_untold(self, newest: Mapping[str, int], watching: Mapping[str, Collection[str]]) -> list[Record]:
        """Groups of people who have not read up to ``newest`` of a chat, and are not among those watching it.

        ``chat_id, kind, name, is_told, people``; where not ``is_told`` also ``muted, read_seq``. A chat that all of its
        members watch is there once, without ``people``.
        """
        pairs = [(chat_id, user_id) for chat_id, people in watching.items() for user_id in people]
        watched, watchers = [chat_id for chat_id, _ in pairs], [user_id for _, user_id in pairs]
        return await self._database.fetch(Q.list_untold, list(newest), list(newest.values()), watched, watchers)

    async def list_mentioned(self, mentions: Sequence[tuple[str, str, str]]) -> dict[int, Record]:
        """Of (chat, person, sender) those that the person is to hear of: index -> ``kind, name`` of the chat."""
        rows = await self._database.fetch(Q.list_mentioned, *map(list, zip(*mentions, strict=True)))
        return {row["ord"] - 1: row for row in rows}

    async def list_joined(self, joined: Sequence[tuple[str, str]]) -> dict[int, Record]:
        """Of (chat, person) those where the person is in the chat: index -> the chat's card."""
        rows = await self._database.fetch(Q.list_joined, *map(list, zip(*joined, strict=True)))
        return {row["ord"] - 1: row for row in rows}

    async def list_names(self, user_ids: Collection[str]) -> dict[str, str]:
        """What people are called."""
        return {row["id"]: row["username"] for row in await self._database.fetch(Q.list_names, list(user_ids))}

    async def list_chats_of(self, user_ids: Sequence[str]) -> list[tuple[str, str]]:
        """(person, chat) for every chat that one of the people is in."""
        rows = await self._database.fetch(Q.list_chats_of, list(user_ids))
        return [(row["user_id"], row["chat_id"]) for row in rows]

    async def update_told(self, told: Sequence[tuple[str, str, int]]) -> None:
        """Take note that of a chat a person has been told up to here."""
        await self._database.execute(Q.update_told, *map(list, zip(*told, strict=True)))
