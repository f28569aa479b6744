"""The least HTTP client that can load a house: keep-alive, one request at a time per connection, no dependencies.

A full client costs more processor time per request than the house does; on a small machine it would be the benchmark.
"""

import asyncio
import json
from typing import Any, Self, cast
from urllib.parse import urlsplit


class Refused(Exception):  # noqa: N818 - the house said no
    """The answer's status was not the one that was asked for."""


class Connection(asyncio.Protocol):
    """One connection; use it from one task."""

    def __init__(self, headers: str) -> None:
        self._headers = headers
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._received = bytearray()

    @classmethod
    async def open(cls, url: str, token: str = "") -> Self:
        """Connect to ``http://host:port``. ``token`` goes with every request."""
        parts = urlsplit(url)
        host, port = parts.hostname or "127.0.0.1", parts.port or 80
        headers = f"Host: {parts.netloc}\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "")
        _, connection = await asyncio.get_running_loop().create_connection(lambda: cls(headers), host, port)
        return connection

    async def call(self, method: str, path: str, body: bytes = b"", *, expect: int = 200) -> bytes:
        """Return the answer's body. Raises `Refused` for another status, ConnectionError when the connection ended."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("the connection has ended")
        self._answer = asyncio.get_running_loop().create_future()
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        self._transport.write(f"{method} {path} HTTP/1.1\r\n{self._headers}{kind}\r\n".encode() + body)
        status, content = await self._answer
        if status != expect:
            raise Refused(f"{method} {path} answered {status}: {content[:500].decode(errors='replace')}")
        return content

    async def json(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> Any:
        """As `call`, with JSON both ways."""
        content = await self.call(method, path, b"" if body is None else json.dumps(body).encode(), expect=expect)
        return json.loads(content) if content else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has its methods, not its class

    def data_received(self, data: bytes) -> None:
        """Collect the answer until it is whole. The house always tells its length."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end]).lower()
        size = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
        if len(self._received) >= end + 4 + size and self._answer is not None and not self._answer.done():
            body = bytes(self._received[end + 4 : end + 4 + size])
            self._received.clear()
            self._answer.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the house closed the connection"))

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()
