"""A front door that leads each new connection to the next house."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle
from urllib.parse import urlsplit

from tests.realtime.proxy import Proxy


class Front(Proxy):
    """Without memory of who was where."""

    def __init__(self, urls: Sequence[str]) -> None:
        first = urlsplit(urls[0])
        super().__init__(first.hostname or "", first.port or 0)
        self._targets = cycle(urls)
        self.visits: list[str] = []

    @classmethod
    @asynccontextmanager
    async def of(cls, urls: Sequence[str]) -> AsyncIterator["Front"]:
        """Serve until the block ends."""
        front = cls(urls)
        server = await asyncio.start_server(front._accept, "127.0.0.1", 0)
        front.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{urlsplit(urls[0]).path}"
        try:
            yield front
        finally:
            server.close()
            front.cut()
            await asyncio.gather(*front._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = next(self._targets)
        self.visits.append(target)
        self._port = urlsplit(target).port or 0
        await super()._accept(reader, writer)
