"""A client that speaks frames by hand: it sees exactly what the house sends."""

import asyncio
from collections import deque
from typing import Any, ClassVar

import msgspec
from aiohttp import ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType


class Wire:
    """One socket. ``ask`` sends a command and returns its reply; pushes that arrive meanwhile are kept."""

    opened: ClassVar[list["Wire"]] = []
    """For the fixture that closes them all."""

    def __init__(self, session: ClientSession, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.hello: dict[str, Any] = {}
        self.pushes: deque[dict[str, Any]] = deque()
        self.frames = 0
        self._session = session
        self._lines: deque[dict[str, Any]] = deque()
        self._id = 0

    @classmethod
    async def open(cls, url: str, **options: Any) -> "Wire":
        """Shake hands. Raises `aiohttp.WSServerHandshakeError` when the house refuses."""
        session = ClientSession()
        try:
            wire = cls(
                session, await session.ws_connect(url, max_msg_size=0, timeout=ClientWSTimeout(ws_close=1), **options)
            )
        except BaseException:
            await session.close()
            raise
        cls.opened.append(wire)
        return wire

    async def send(self, *commands: Any) -> None:
        """Send commands in one frame."""
        await self.socket.send_str("\n".join(msgspec.json.encode(command).decode() for command in commands))

    async def ask(self, **command: Any) -> dict[str, Any]:
        """Send one command and return its reply."""
        self._id += 1
        await self.send({"id": self._id, **command})
        while True:
            line = await self.line()
            if line.get("id") == self._id:
                return line
            self.pushes.append(line)

    async def line(self) -> dict[str, Any]:
        """Return the next line. Raises `ConnectionError` at the end of the socket."""
        while not self._lines:
            message = await asyncio.wait_for(self.socket.receive(), 10)
            if message.type is not WSMsgType.TEXT:
                raise ConnectionError(message)
            self.frames += 1
            self._lines.extend(msgspec.json.decode(line) for line in message.data.split("\n"))
        return self._lines.popleft()

    async def push(self) -> dict[str, Any]:
        """Return the next push, kept or new; pings are left out."""
        while True:
            line = self.pushes.popleft() if self.pushes else await self.line()
            if line:
                push: dict[str, Any] = line["push"]
                return push

    async def offsets(self, count: int) -> list[int]:
        """Return the offsets of the next publications."""
        return [(await self.push())["pub"]["offset"] for _ in range(count)]

    def rest(self) -> list[dict[str, Any]]:
        """Return what has been received and not looked at."""
        return [*self.pushes, *self._lines]

    async def end(self) -> int:
        """Read to the end and return the close code."""
        while not self.socket.closed:
            message = await asyncio.wait_for(self.socket.receive(), 15)
            if message.type is WSMsgType.TEXT:
                self._lines.extend(msgspec.json.decode(line) for line in message.data.split("\n"))
        return self.socket.close_code or 0

    async def close(self) -> None:
        """Close the socket."""
        await self.socket.close()
        await self._session.close()


def transport_of(wire: Wire) -> asyncio.Transport:
    """What alone can stop reading, or break off without a close frame."""
    connection = wire.socket._response.connection
    assert connection is not None
    assert isinstance(connection.transport, asyncio.Transport)
    return connection.transport
