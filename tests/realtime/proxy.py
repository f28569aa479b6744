"""A TCP proxy that can cut its connections without a word, as a bad network does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from urllib.parse import urlsplit

Line = tuple[asyncio.WriteTransport, asyncio.WriteTransport]


class Proxy:
    """Listens beside a house and passes bytes through."""

    def __init__(self, host: str, port: int) -> None:
        self.url = ""
        self._is_shut = False
        self._host = host
        self._port = port
        self._lines: list[Line] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def to(cls, url: str) -> AsyncIterator["Proxy"]:
        """Serve until the block ends."""
        parts = urlsplit(url)
        proxy = cls(parts.hostname or "127.0.0.1", parts.port or 80)
        server = await asyncio.start_server(proxy._accept, "127.0.0.1", 0)
        proxy.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{parts.path}"
        try:
            yield proxy
        finally:
            server.close()
            proxy.cut()
            await asyncio.gather(*proxy._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Abort every connection."""
        self._abort(self._lines)

    def shut(self, seconds: float) -> None:
        """Abort every connection, and for a while every new one, too."""
        self._is_shut = True
        self.cut()
        asyncio.get_running_loop().call_later(seconds, self._reopen)

    def cut_some(self, random: Random, share: float) -> None:
        """Abort a share of the connections, at least one."""
        if self._lines:
            self._abort(random.sample(self._lines, max(1, int(len(self._lines) * share))))

    def _reopen(self) -> None:
        self._is_shut = False

    def _abort(self, lines: list[Line]) -> None:
        for line in lines:
            for transport in line:
                transport.abort()
        self._lines = [line for line in self._lines if line not in lines]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_shut:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection(self._host, self._port)
        except OSError:  # the house is away
            writer.transport.abort()
            return
        self._lines.append((writer.transport, back.transport))
        pumps = [asyncio.create_task(self._pump(reader, back)), asyncio.create_task(self._pump(there, writer))]
        self._tasks.update(pumps)
        await asyncio.wait(pumps)
        self._tasks.difference_update(pumps)
        self._abort([(writer.transport, back.transport)])

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()
