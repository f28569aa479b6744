"""A served house in which people talk, and hear of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from app.replay import Difference, Replay
from storage.events import EventStore
from tests.notification.house import until
from tests.realtime.wire import Wire
from tests.system.house import Person, ServedHouse, open_served


class TalkingHouse:
    """Shorthands for what the tests do all the time."""

    def __init__(self, served: ServedHouse) -> None:
        self.served = served
        self.sql = served.sql
        self.admin = served.admin
        self.core = served.house._core

    async def people(self, *names: str) -> list[Person]:
        """Somebody new for each name; their welcome has arrived."""
        made = [await self.served.person(name) for name in names]
        await self.settled()
        return made

    async def call(self, method: str, path: str, who: Person, body: Any = None, *, expect: int = 200) -> Any:
        """Call a route."""
        return await self.served.call(method, path, who.token, body, expect=expect)

    async def group(self, owner: Person, *others: Person, name: str = "Us") -> str:
        """A group; its id."""
        body = {"kind": "group", "name": name, "members": [one.id for one in others]}
        chat_id: str = (await self.call("POST", "/chats", owner, body, expect=201))["id"]
        return chat_id

    async def direct(self, one: Person, other: Person) -> str:
        """A direct chat; its id."""
        body = {"kind": "direct", "member": other.id}
        chat_id: str = (await self.call("POST", "/chats", one, body, expect=201))["id"]
        return chat_id

    async def say(self, chat_id: str, who: Person, content: str = "hello", **fields: Any) -> dict[str, Any]:
        """Send a message."""
        body = {"content": content, **fields}
        message: dict[str, Any] = await self.call("POST", f"/chats/{chat_id}/messages", who, body, expect=201)
        return message

    async def read(self, chat_id: str, who: Person, seq: int) -> None:
        """Move a read mark."""
        await self.call("PUT", f"/chats/{chat_id}/read", who, {"seq": seq}, expect=204)

    async def mute(self, chat_id: str, who: Person) -> None:
        """Want to hear of mentions only."""
        await self.call("PATCH", f"/chats/{chat_id}/members/{who.id}", who, {"muted": True})

    async def settled(self) -> None:
        """Wait until every consumer has heard of everything."""

        async def is_quiet() -> bool:
            return not any((await self.core.relay.lag()).values())

        await until(is_quiet)

    async def entries(self, who: Person) -> list[dict[str, Any]]:
        """Somebody's inbox once all is delivered, oldest first, without the welcome."""
        await self.settled()
        items = (await self.call("GET", "/notifications?limit=100", who))["items"]
        return [item for item in reversed(items) if item["type"] != "welcome"]

    async def titles(self, who: Person) -> list[tuple[str, str]]:
        """Type and title of the entries of somebody's inbox."""
        return [(item["type"], item["title"]) for item in await self.entries(who)]

    async def told(self, who: Person) -> list[dict[str, Any]]:
        """What somebody's channel has told of chats, as it is stored."""
        await self.settled()
        rows = await self.sql("select body from event where stream = $1 order by n", f"user:{who.id}")
        bodies = [msgspec.json.decode(row["body"]) for row in rows]
        return [body for body in bodies if body["type"] in {"chat.invited", "message.arrived"}]

    async def arrived(self, who: Person) -> list[int]:
        """The seq of each message that somebody's channel has told of, as it is stored."""
        return [body["seq"] for body in await self.told(who) if body["type"] == "message.arrived"]

    async def listen(self, who: Person, *channels: str) -> Wire:
        """Connect and subscribe, once all that came before is delivered."""
        await self.settled()
        wire = await Wire.open(f"{self.served.url}/connection/websocket")
        assert "error" not in await wire.ask(connect={"token": who.token})
        for channel in channels:
            assert "error" not in await wire.ask(subscribe={"channel": channel})
        return wire

    async def differences(self) -> list[Difference]:
        """What `verify` finds."""
        replay = Replay(EventStore(self.core.base.database), self.core.kinds.owned)
        return [found async for found in replay.verify() if found is not None]


@asynccontextmanager
async def open_talking(dsn: str, folder: Path) -> AsyncIterator[TalkingHouse]:
    """A house that listens; at the end `verify` finds nothing in it."""
    async with open_served(dsn, folder) as served:
        house = TalkingHouse(served)
        try:
            yield house
            assert await house.differences() == []
        finally:
            while Wire.opened:
                await Wire.opened.pop().close()
