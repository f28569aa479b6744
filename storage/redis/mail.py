"""Mail between houses in Redis Streams: implements `actors.runtime.ports.Mail`."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from redis.exceptions import ResponseError

from storage.redis.exchange import Command, Exchange

OWN_SECONDS = 60  # streams of one incarnation outlive the last append by so long
MEASURE_SECONDS = 0.05
MOST_REMEMBERED = 10_000
Entry = tuple[str, bytes, bytes]


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
