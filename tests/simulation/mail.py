"""The port `Mail` over simulated wires: what `storage.redis.mail` promises, with everything that may go wrong."""

import asyncio
from asyncio import Future
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.simulation.network import Network, Wire
from tests.simulation.redis import Entry, Reader, SimRedis

ANSWER_SECONDS = 0.8


class Exchange:
    """One connection, one request at a time. ``ConnectionError``: nothing was sent; ``TimeoutError``: nobody knows."""

    def __init__(self, network: Network, server: SimRedis) -> None:
        self._network = network
        self.server = server
        self.wire: Wire | None = None
        self._waiting: Future[Any] | None = None
        self._lock = asyncio.Lock()

    async def run(self, request: Callable[[Wire, Callable[[Any], None]], None], wait_seconds: float = 0.0) -> Any:
        """Let the server do something, and return what it answers."""
        async with self._lock:
            wire = await self._ready()
            try:
                return await self._ask(wire, request, wait_seconds)
            except ConnectionError as error:
                raise TimeoutError("the connection was lost") from error

    async def _ready(self) -> Wire:
        if self.wire is not None and not self.wire.is_closed:
            return self.wire
        wire = self.wire = Wire(self._network, self._network.loop.current, self.server, self._lost, _nothing)
        try:
            is_away = await self._ask(wire, self._accept, 0.0)
        except TimeoutError as error:
            raise ConnectionError("no connection to Redis") from error
        if is_away:
            wire.close()
            raise ConnectionError("connection refused")
        return wire

    def _accept(self, wire: Wire, done: Callable[[Any], None]) -> None:
        wire.reply(done, self.server.is_away)

    async def _ask(self, wire: Wire, request: Callable[..., None], wait_seconds: float) -> Any:
        waiting = self._waiting = Future[Any](loop=self._network.loop)

        def done(answer: Any) -> None:
            if not waiting.done():
                waiting.set_result(answer)

        wire.send(request, wire, done)
        try:
            async with asyncio.timeout(ANSWER_SECONDS + wait_seconds):
                return await waiting
        except BaseException:
            wire.close()
            raise
        finally:
            self._waiting = None

    def _lost(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("the connection was lost"))


class SimReader:
    """See `actors.runtime.ports.MailReader`."""

    def __init__(self, network: Network, server: SimRedis) -> None:
        self._exchange = Exchange(network, server)

    async def read(self, after: Mapping[str, bytes], count: int, block_seconds: float) -> Sequence[Entry]:
        """XREAD."""
        server = self._exchange.server

        def request(wire: Wire, done: Callable[[Any], None]) -> None:
            server.read(Reader(wire, dict(after), count, done), block_seconds)

        found: Sequence[Entry] = await self._exchange.run(request, block_seconds)
        return found

    async def close(self) -> None:
        """Disconnect."""
        if self._exchange.wire is not None:
            self._exchange.wire.close()


class SimMail:
    """See `actors.runtime.ports.Mail`."""

    def __init__(self, network: Network, server: SimRedis) -> None:
        self._network = network
        self._server = server
        self._exchange = Exchange(network, server)

    async def write(
        self, appends: Sequence[tuple[str, bytes]], done: Mapping[str, Sequence[bytes]]
    ) -> Mapping[str, int]:
        """Append, then delete. Commands go out one by one: a wire that is lost may let some through."""
        server = self._server
        appends, deletes = list(appends), {stream: list(entries) for stream, entries in done.items()}

        def request(wire: Wire, answered: Callable[[Any], None]) -> None:
            lost_at = server.loses.pop(wire.host.name, None)
            for place, (stream, data) in enumerate(appends):
                if lost_at == place:
                    wire.cut(drops_there=True)
                    return
                server.append(stream, data)
            for stream, entries in deletes.items():
                server.delete(stream, entries)
            if lost_at is not None:
                wire.cut(drops_there=True)
            wire.reply(answered, {stream: len(server.streams.get(stream, ())) for stream, _ in appends})

        found: Mapping[str, int] = await self._exchange.run(request)
        return found

    async def lengths(self, streams: Sequence[str]) -> Sequence[int]:
        """XLEN."""
        server = self._server

        def request(wire: Wire, done: Callable[[Any], None]) -> None:
            wire.reply(done, [len(server.streams.get(stream, ())) for stream in streams])

        found: Sequence[int] = await self._exchange.run(request)
        return found

    async def now_ms(self) -> int:
        """TIME."""
        server = self._server

        def request(wire: Wire, done: Callable[[Any], None]) -> None:
            wire.reply(done, server.now_ms())

        return int(await self._exchange.run(request))

    def reader(self) -> SimReader:
        """Return a new reader."""
        return SimReader(self._network, self._server)

    async def close(self) -> None:
        """Disconnect."""
        if self._exchange.wire is not None:
            self._exchange.wire.close()


def _nothing() -> None:
    pass
