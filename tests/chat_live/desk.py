"""What people do in the chats of a running house."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.chat_live.witness import Read, Said
from tests.realtime.wire import Wire
from tests.realtime_house.desk import Desk
from tests.running import Person

PAGE = 100


class ChatDesk(Desk):
    """A house and an HTTP client that speaks to it."""

    async def people(self, count: int) -> list[Person]:
        """So many new people."""
        return list(await asyncio.gather(*(self.person() for _ in range(count))))

    async def group(self, owner: Person, *members: Person) -> "Chat":
        """A new group."""
        body = {"kind": "group", "name": f"of {owner.name}", "members": [person.id for person in members]}
        made = await self.call("POST", "/chats", owner.headers, body)
        return Chat(self, made["id"])

    async def wire(self, person: Person) -> Wire:
        """A connected raw socket."""
        wire = await Wire.open(self.socket_url)
        wire.hello = await wire.ask(connect={"token": person.token})
        assert "connect" in wire.hello, wire.hello
        return wire


class Chat:
    """One chat."""

    def __init__(self, desk: ChatDesk, chat_id: str) -> None:
        self.id = chat_id
        self.path = f"/chats/{chat_id}"
        self.channel = f"chat:{chat_id}"
        self._desk = desk

    async def send(self, sender: Person, content: str, client_id: str | None = None) -> Said:
        """Send a text that must be accepted."""
        body = {"content": content} | ({"client_id": client_id} if client_id else {})
        message = await self._desk.call("POST", f"{self.path}/messages", sender.headers, body)
        return Said(message["seq"], message["id"])

    async def remove(self, by: Person, whom: Person) -> None:
        """Let somebody go."""
        await self._desk.call("DELETE", f"{self.path}/members/{whom.id}", by.headers)

    async def page(self, reader: Person, after: int, limit: int = PAGE) -> list[dict[str, Any]]:
        """Messages that follow a seq."""
        path = f"{self.path}/messages?after={after}&limit={limit}"
        found: list[dict[str, Any]] = (await self._desk.call("GET", path, reader.headers))["items"]
        return found

    async def everything(self, reader: Person) -> list[dict[str, Any]]:
        """All messages, oldest first."""
        found: list[dict[str, Any]] = []
        while page := await self.page(reader, found[-1]["seq"] if found else 0):
            found += page
        return found

    def reading(self, reader: Person) -> Read:
        """How a client of somebody's reloads."""

        async def read(after: int) -> Sequence[Said]:
            return [Said(message["seq"], message["id"]) for message in await self.page(reader, after)]

        return read

    async def listen(self, wire: Wire, **position: Any) -> dict[str, Any]:
        """Subscribe a raw socket; what the house answers."""
        answer: dict[str, Any] = (await wire.ask(subscribe={"channel": self.channel, **position}))["subscribe"]
        return answer

    async def push(self, wire: Wire) -> dict[str, Any]:
        """The next push of this chat's channel; those of other channels are passed over."""
        while (push := await wire.push())["channel"] != self.channel:
            pass
        return push

    async def heard(self, wire: Wire, count: int) -> list[dict[str, Any]]:
        """The next publications; nothing else may come between them."""
        return [(await self.push(wire))["pub"] for _ in range(count)]

    async def is_silent(self, wire: Wire) -> bool:
        """Whether nothing of the chat has come by the time of the house's next answer."""
        await wire.ask(ping={})
        return not self.rest(wire)

    def rest(self, wire: Wire) -> list[dict[str, Any]]:
        """Pushes of this chat's channel that have arrived and were not looked at."""
        return [line["push"] for line in wire.rest() if line.get("push", {}).get("channel") == self.channel]
