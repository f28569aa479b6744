"""The whole house behind its real edges, with Ada, Ben, Cyd and Dan, who chat."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from actors.messages.chat import SendMessage
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from actors.runtime.ports import Stored
from app.replay import Difference, Replay
from storage.events import EventStore
from tests.system.house import Person, ServedHouse, open_served

POURED = 500
"""Messages that wait in a mailbox at a time."""


class ChatHouse:
    """Shorthands for what people do in chats."""

    def __init__(self, served: ServedHouse) -> None:
        self.served = served
        self.sql = served.sql
        self.heard: list[Stored] = []
        self.people: dict[str, Person] = {}

    async def call(
        self, who: str, method: str, path: str, body: Any = None, *, expect: int = 200, key: str = ""
    ) -> Any:
        """Call a route as one of the people and insist on the status."""
        return await self.served.call(method, path, self.people[who].token, body, expect=expect, key=key)

    async def get(self, who: str, path: str, *, expect: int = 200) -> Any:
        """Look at something."""
        return await self.call(who, "GET", path, expect=expect)

    async def group(self, who: str, *members: str, name: str = "Engines") -> str:
        """A new group; its id."""
        body = {"kind": "group", "name": name, "members": members}
        made: dict[str, str] = await self.call(who, "POST", "/chats", body, expect=201)
        return made["id"]

    async def direct(self, who: str, other: str) -> str:
        """A new direct chat; its id."""
        made: dict[str, str] = await self.call(who, "POST", "/chats", {"kind": "direct", "member": other}, expect=201)
        return made["id"]

    async def say(self, who: str, chat_id: str, content: str, **fields: Any) -> Any:
        """Send a text; the message."""
        body = {"content": content, **fields}
        return await self.call(who, "POST", f"/chats/{chat_id}/messages", body, expect=201)

    async def seqs(self, who: str, chat_id: str, query: str = "") -> list[int]:
        """The numbers of the messages of a page."""
        page = await self.get(who, f"/chats/{chat_id}/messages{query}")
        return [message["seq"] for message in page["items"]]

    async def read(self, who: str, chat_id: str, seq: int, *, expect: int = 204) -> Any:
        """Move a read mark."""
        return await self.call(who, "PUT", f"/chats/{chat_id}/read", {"seq": seq}, expect=expect)

    async def pour(self, who: str, chat_id: str, count: int, content: str = "note {}") -> None:
        """Many messages of one person, in order, without an edge."""
        room, caller = self.served.refs("chat", chat_id), self.caller(who)
        for start in range(0, count, POURED):
            wishes = [
                SendMessage(chat_id=chat_id, content=content.format(n))
                for n in range(start, min(start + POURED, count))
            ]
            await asyncio.gather(*(room.ask(wish, caller) for wish in wishes))

    async def crowd(self, size: int) -> list[str]:
        """Ids of many people, straight into their rows."""
        ids = [uuid7() for _ in range(size)]
        await self.sql(
            "insert into account (id, n, username, role, status, created_at) select id, 1, 'p' || ord || '_', 'user',"
            " 'active', now() from unnest($1::uuid[]) with ordinality r (id, ord)",
            ids,
        )
        return ids

    async def ask(self, who: str, message: Any) -> Any:
        """Ask the service, without an edge."""
        return await self.served.refs("chats").ask(message, self.caller(who))

    def caller(self, who: str) -> Caller:
        """How the house knows somebody."""
        return Caller(user_id=self.people[who].id, role="user")

    def live(self, kind: str) -> list[tuple[str, Any]]:
        """Stream and body of what was told of without a place in a stream."""
        return [
            (event.stream, msgspec.json.decode(event.body))
            for event in self.heard
            if event.n == 0 and event.type == kind
        ]

    async def differences(self) -> list[Difference]:
        """What `verify` finds."""
        core = self.served.house._core
        return [found async for found in Replay(EventStore(core.base.database), core.kinds.owned).verify() if found]


@asynccontextmanager
async def open_chats(dsn: str, folder: Path, *names: str) -> AsyncIterator[ChatHouse]:
    """A house that listens, with people in it; at the end nothing has crashed, and replay agrees with the rows."""
    async with open_served(dsn, folder) as served:
        house = ChatHouse(served)
        served.house._core.publishing.add(house.heard.extend)
        house.people = {"root": served.admin, "ada": served.ada}
        for name in names or ("Ben", "cyd", "dan"):
            house.people[name.lower()] = await served.person(name)
        yield house
        assert await served.sql("select error from dead_letter") == []
        assert await house.differences() == []
