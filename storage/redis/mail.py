"""Mail between houses in Redis Streams: implements `actors.runtime.ports.Mail`."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError

from storage.redis.connect import ANSWER_SECONDS, make_connection

OWN_SECONDS = 60  # streams of one incarnation outlive the last append by so long
MEASURE_SECONDS = 0.05
MOST_REMEMBERED = 10_000
Command = tuple[str | bytes | int, ...]
Entry = tuple[str, bytes, bytes]


class Exchange:
    """One connection on which commands go out together and are answered together; made when it is needed.

    Commands are sent once. Raises ``ConnectionError``: nothing was sent; ``TimeoutError``: they were, and nobody knows
    what has become of them. Either way the connection is given up.
    """

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._connection: AbstractConnection | None = None
        self._lock = asyncio.Lock()

    async def run(self, commands: Sequence[Command], wait_seconds: float = 0.0) -> list[Any]:
        """Return the answers, of which some may be a `ResponseError`; ``wait_seconds`` is how long Redis may block."""
        async with self._lock:
            connection = await self._ready()
            async with Given(connection):
                try:
                    async with asyncio.timeout(ANSWER_SECONDS + wait_seconds):
                        await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                        return [await _read(connection) for _ in commands]
                except (RedisError, OSError) as error:
                    raise TimeoutError(f"Redis did not answer: {error or type(error).__name__}") from error

    async def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            await self._connection.disconnect(nowait=True)

    async def _ready(self) -> AbstractConnection:
        connection = self._connection
        if connection is not None and connection.is_connected and not _has_ended(connection):
            return connection
        if connection is not None:
            await connection.disconnect(nowait=True)
        connection = self._connection = make_connection(self._url, self._name)
        async with Given(connection):
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await connection.connect()  # type: ignore[no-untyped-call]
            except (RedisError, OSError) as error:
                raise ConnectionError(f"no connection to Redis: {error or type(error).__name__}") from error
        return connection


class Given:
    """A connection while it is in use: what ends the use before its time, a cancellation too, ends the connection."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            await self._connection.disconnect(nowait=True)


async def _read(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(timeout=math.inf)
    except ResponseError as error:
        return error


def _has_ended(connection: AbstractConnection) -> bool:
    """Whether the server has closed it: what is sent now would be lost, and nobody could tell."""
    reader = getattr(connection, "_reader", None)
    return reader is not None and reader.at_eof()


class RedisReader:
    """Implements `actors.runtime.ports.MailReader`."""

    def __init__(self, url: str, name: str) -> None:
        self._exchange = Exchange(url, name)

    async def read(self, after: Mapping[str, bytes], count: int, block_seconds: float) -> Sequence[Entry]:
        """Read behind the given ids. A refusal (Redis is loading, or a key is no stream) raises ``ConnectionError``."""
        bounds: Command = ("XREAD", "COUNT", count, "BLOCK", round(block_seconds * 1000), "STREAMS")
        command: Command = (*bounds, *after, *after.values())
        (answer,) = await self._exchange.run([command], block_seconds)
        if isinstance(answer, ResponseError):
            raise ConnectionError(str(answer))
        return [
            (name, entry, fields[1])
            for stream, entries in answer or ()
            for name in (stream.decode(),)
            for entry, fields in entries
        ]

    async def close(self) -> None:
        """Disconnect."""
        await self._exchange.close()


class RedisMail:
    """See the module. No stream is ever trimmed by its length: that would lose mail."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._exchange = Exchange(url, name)
        self._due_at: dict[str, float] = {}

    async def write(
        self, appends: Sequence[tuple[str, bytes]], done: Mapping[str, Sequence[bytes]]
    ) -> Mapping[str, int]:
        """Append, then delete; return the lengths of streams that were not measured a moment ago.

        Nothing was appended when Redis refuses all of it (it is full, or loading).
        """
        now = asyncio.get_running_loop().time()
        streams = [stream for stream in dict.fromkeys(stream for stream, _ in appends) if self._is_due(stream, now)]
        commands: list[Command] = [("XADD", stream, "*", "d", data) for stream, data in appends]
        commands += [("XDEL", stream, *entries) for stream, entries in done.items()]
        commands += [("EXPIRE", stream, OWN_SECONDS) for stream in streams if not stream.startswith("mb:")]
        commands += [("XLEN", stream) for stream in streams]
        if not commands:
            return {}
        answers = await self._exchange.run(commands)
        refused = [answer for answer in answers if isinstance(answer, ResponseError)]
        if refused and all(isinstance(answer, ResponseError) for answer in answers[: len(appends)]):
            raise ConnectionError(str(refused[0]))
        if refused:
            raise TimeoutError(f"some of it was refused: {refused[0]}")
        return dict(zip(streams, answers[len(answers) - len(streams) :], strict=True))

    def _is_due(self, stream: str, now: float) -> bool:
        """Whether a stream is to be measured, and kept for longer: not with each of thousands of writes a second."""
        if now < self._due_at.get(stream, 0.0):
            return False
        if len(self._due_at) > MOST_REMEMBERED:
            self._due_at.clear()
        self._due_at[stream] = now + (MEASURE_SECONDS if stream.startswith("mb:") else OWN_SECONDS / 3)
        return True

    async def lengths(self, streams: Sequence[str]) -> Sequence[int]:
        """Return how many entries each stream holds."""
        return await self._ask([("XLEN", stream) for stream in streams])

    async def now_ms(self) -> int:
        """Return Redis's clock."""
        ((seconds, micros),) = await self._ask([("TIME",)])
        return int(seconds) * 1000 + int(micros) // 1000

    def reader(self) -> RedisReader:
        """Return a new reader."""
        return RedisReader(self._url, self._name)

    async def close(self) -> None:
        """Disconnect."""
        await self._exchange.close()

    async def _ask(self, commands: Sequence[Command]) -> list[Any]:
        answers = await self._exchange.run(commands) if commands else []
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise ConnectionError(str(answer))
        return answers
