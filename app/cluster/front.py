"""The one port in front of several houses: passes bytes on, and says to the house whose they are.

Nobody is bound to a house. A connection goes to the ready house that has the fewest, and stays there until one side
ends it; one that cannot be made goes to the next house before a byte was sent. While no house is ready, one that lives
is taken, because it can say what is missing; while none lives, the front waits a moment and then answers 503 itself.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import cast

from app.cluster.place import Place
from handlers.introduction import write_line

CONNECT_SECONDS = 1.0
PATIENCE_SECONDS = 2.0
EARLY_BYTES = 65_536  # what is kept of a client until its house is found; beyond it, nothing more is read
_BODY = b'{"type":"about:blank","title":"Unavailable","status":503,"code":"unavailable","detail":"no house is running"}'
NOBODY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\n"
    b"Cache-Control: no-store\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)


class Side(asyncio.Protocol):
    """One of the two connections; what it hears it says on the ``other``. Each waits where the other is slow."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self.is_lost = False
        self.has_ended = False  # it will say nothing more
        self._early = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Know where to write."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        """Pass it on, or keep it until there is somebody to pass it on to."""
        if self.other is not None:
            self.other.write(data)
            return
        self._early += data
        if len(self._early) > EARLY_BYTES and self.transport is not None:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """Pass on that nothing more will come; the answer may still. Where both have ended, it is over."""
        self.has_ended = True
        if self.other is None or self.other.transport is None or self.other.is_lost or self.other.has_ended:
            return False
        self.other.transport.write_eof()
        return True

    def write(self, data: bytes) -> None:
        """Write, unless it is too late."""
        if not self.is_lost and self.transport is not None:
            self.transport.write(data)

    def pause_writing(self) -> None:
        """Let the other side wait."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Let the other side go on."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """End the other one too: after what was written, unless this one broke."""
        self.is_lost = True
        if self.other is not None:
            self.other.end(at_once=error is not None)

    def end(self, *, at_once: bool = False) -> None:
        """End this connection; ``at_once`` throws away what waits to be written."""
        if self.transport is not None and not self.is_lost:
            (self.transport.abort if at_once else self.transport.close)()

    def join(self, other: "Side") -> None:
        """Be one connection with ``other``, and pass on what has come early."""
        self.other, other.other = other, self
        early, self._early = bytes(self._early), bytearray()
        if early:
            other.write(early)
        if self.transport is not None and not self.transport.is_reading():
            self.transport.resume_reading()


class HouseSide(Side):
    """The connection to a house, which counts it."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place
        self._cut = self.cut

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        super().connection_made(transport)
        self._place.connections.add(self._cut)

    def connection_lost(self, error: Exception | None) -> None:
        """Do not count it any more."""
        self._place.connections.discard(self._cut)
        super().connection_lost(error)

    def cut(self) -> None:
        """End both sides at once."""
        self.end(at_once=True)
        if self.other is not None:
            self.other.end(at_once=True)


class Front:
    """Listens between `open` and `close`; connections that are there when it closes go on until a house ends them."""

    def __init__(self, places: Sequence[Place], *, max_connections: int) -> None:
        self._places = places
        self._max_connections = max_connections
        self._server: asyncio.Server | None = None
        self._clients: set[ClientSide] = set()
        self._work: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> str:
        """Listen; port 0 takes a free one. Returns the address as others may use it.

        Raises:
            OSError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: ClientSide(self), host, port, backlog=1024)
        here = self._server.sockets[0].getsockname()
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        return f"http://{shown}:{here[1]}"

    def close(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()

    async def cut(self) -> None:
        """End what is left."""
        for client in list(self._clients):
            client.end(at_once=True)
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    def arrived(self, client: "ClientSide") -> None:
        """Find a house for a new connection; who comes when there are too many is cut off at once."""
        self._clients.add(client)
        if len(self._clients) > self._max_connections:
            client.end(at_once=True)
            return
        task = asyncio.get_running_loop().create_task(self._lead(client))
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def left(self, client: "ClientSide") -> None:
        """Forget it."""
        self._clients.discard(client)

    async def _lead(self, client: "ClientSide") -> None:
        give_up = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not client.is_lost:
            for place in self._order():
                house = await self._connect(place)
                if house is not None:
                    house.write(client.introduction())
                    client.join(house)
                    if client.is_lost:
                        house.end()
                    return
            if asyncio.get_running_loop().time() > give_up:
                client.write(NOBODY)
                client.end()
                return
            await asyncio.sleep(0.05)

    def _order(self) -> list[Place]:
        """Whom to ask first: ready ones before those that only live, and of these the one with the fewest."""
        ready = [place for place in self._places if place.is_ready]
        chosen = ready or [place for place in self._places if place.lives]
        return sorted(chosen, key=lambda place: (len(place.connections), random.random()))  # noqa: S311 - no secret

    async def _connect(self, place: Place) -> HouseSide | None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                loop = asyncio.get_running_loop()
                _, house = await loop.create_connection(lambda: HouseSide(place), place.host, place.port)
                return house
        except (OSError, TimeoutError):
            place.note(0, "takes no connections")
            return None


class ClientSide(Side):
    """The connection of a client."""

    def __init__(self, front: Front) -> None:
        super().__init__()
        self._front = front

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask the front for a house."""
        super().connection_made(transport)
        self._front.arrived(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Leave."""
        self._front.left(self)
        super().connection_lost(error)

    def introduction(self) -> bytes:
        """What the house is told of this client."""
        assert self.transport is not None  # noqa: S101 - it is connected
        client, here = (self.transport.get_extra_info(which) for which in ("peername", "sockname"))
        return write_line((client[0], client[1]), (here[0], here[1])) if client and here else b"PROXY UNKNOWN\r\n"
