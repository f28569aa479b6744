"""One address in front of whichever server has it now: what a service's name or a virtual address is elsewhere."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LOCAL = "127.0.0.1"


class Forwarder:
    """Passes bytes on to ``target``, a port of this machine. Connections end with the server that they were made to."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.is_open = True
        self._carrying: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """End all connections, and let nobody connect until ``is_open`` again."""
        self.is_open = False
        for task in self._carrying:
            task.cancel()

    async def carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One connection, until either side ends it."""
        try:
            there, back = await asyncio.open_connection(LOCAL, self.target if self.is_open else 0)
        except OSError:
            writer.transport.abort()
            return
        pumps = {asyncio.create_task(pump(reader, back)), asyncio.create_task(pump(there, writer))}
        self._carrying |= pumps
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in pumps:
                task.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._carrying -= pumps
            writer.transport.abort()
            back.transport.abort()


async def pump(reader: StreamReader, writer: StreamWriter) -> None:
    """Pass on what comes, until the end."""
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def forwarding(target: int) -> AsyncIterator[Forwarder]:
    """A forwarder on a port of its own, which is gone at the end."""
    forwarder = Forwarder(target)
    server = await asyncio.start_server(forwarder.carry, LOCAL, 0)
    forwarder.port = server.sockets[0].getsockname()[1]
    try:
        yield forwarder
    finally:
        server.close()
