"""One connection on which commands go out together and are answered together; made when it is needed.

The driver connects (names, passwords, TLS); what then goes over the wire is packed and taken apart in C. A round trip
costs a tenth of the driver's own commands and answers, which pass through several coroutines each.
"""

import asyncio
from asyncio import Future
from collections.abc import Sequence
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError

from storage.redis.connect import ANSWER_SECONDS, make_connection

Command = tuple[str | bytes | int | float, ...]
_MORE = object()


class Exchange:
    """Commands are sent once, one batch at a time.

    Raises ``ConnectionError``: nothing was sent; ``TimeoutError``: they were, and nobody knows what has become of them.
    Either way, and when the caller is cancelled, the connection is given up: a late answer is taken for no other.
    """

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._connection: AbstractConnection | None = None
        self._wire: Wire | None = None
        self._lock = asyncio.Lock()

    async def run(self, commands: Sequence[Command], wait_seconds: float = 0.0) -> list[Any]:
        """Return the answers, of which some may be a `ResponseError`; ``wait_seconds`` is how long Redis may block."""
        async with self._lock:
            wire = self._wire
            if wire is None or wire.has_ended:
                wire = await self._connect()
            try:
                return await wire.exchange(commands, ANSWER_SECONDS + wait_seconds)
            except BaseException:
                await self.close()
                raise

    async def close(self) -> None:
        """Disconnect."""
        self._wire = None
        if self._connection is not None:
            await self._connection.disconnect(nowait=True)

    async def _connect(self) -> "Wire":
        await self.close()
        connection = self._connection = make_connection(self._url, self._name)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await connection.connect()  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            await self.close()
            raise ConnectionError(f"no connection to Redis: {error or type(error).__name__}") from error
        except BaseException:
            await self.close()
            raise
        wire = self._wire = Wire(connection)
        return wire


class Wire(asyncio.Protocol):
    """The bytes of a connection that the driver has made, and on which nothing is under way."""

    def __init__(self, connection: AbstractConnection) -> None:
        writer = connection._writer  # noqa: SLF001 - the driver's version is pinned
        assert writer is not None  # noqa: S101 - it has connected
        self._transport = writer.transport
        self._transport.set_protocol(self)
        self._reader = hiredis.Reader(replyError=ResponseError, notEnoughData=_MORE)
        self._answers: list[Any] = []
        self._expected = 0
        self._waiting: Future[list[Any]] | None = None
        self.has_ended = self._transport.is_closing()

    async def exchange(self, commands: Sequence[Command], within_seconds: float) -> list[Any]:
        """Send commands and return their answers.

        Raises ``ConnectionError``: nothing was sent; ``TimeoutError``: not all answers came in time, or ever will.
        """
        if self.has_ended:
            raise ConnectionError("the connection was lost")
        loop = asyncio.get_running_loop()
        self._answers, self._expected = [], len(commands)
        waiting: Future[list[Any]] = loop.create_future()
        self._waiting = waiting
        overdue = loop.call_later(within_seconds, self._refuse, "no answer in time")
        self._transport.write(b"".join([hiredis.pack_command(command) for command in commands]))  # type: ignore[arg-type]
        try:
            return await waiting
        finally:
            overdue.cancel()
            self._waiting = None

    def data_received(self, data: bytes) -> None:
        """Take answers."""
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not _MORE:
                self._answers.append(answer)
        except hiredis.ProtocolError as error:
            self._refuse(str(error))
        if len(self._answers) >= self._expected and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(self._answers)

    def eof_received(self) -> None:
        """The server has closed it: what would be sent now would be lost, and nobody could tell."""
        self._end()

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        del error
        self._end()

    def _end(self) -> None:
        self.has_ended = True
        self._refuse("the connection was lost")

    def _refuse(self, reason: str) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(TimeoutError(f"Redis did not answer: {reason}"))
