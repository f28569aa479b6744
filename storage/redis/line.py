"""A connection to Redis for short commands: what waits goes out together, answers come in the order of the commands."""

import asyncio
import logging
from collections.abc import Callable
from itertools import islice
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection, parse_url
from redis.exceptions import RedisError

from storage.redis.exchange import Command, Wire

ANSWER_SECONDS = 1.0
"""For the answers to everything that went out together; then the connection is given up."""
MOST_WAITING = 100_000
"""Wishes that may wait to be sent; whoever comes then is refused."""
_TOGETHER = 500
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 1.0
TROUBLE = (RedisError, OSError, TimeoutError)
_log = logging.getLogger(__name__)


class RedisUnavailable(ConnectionError):  # noqa: N818 - reads as what happened
    """Redis cannot be reached, or did not answer in time. What was asked may have happened."""


class _Wish:
    """Commands that are sent together, and who waits for their answers, if anybody."""

    __slots__ = ("commands", "future")

    def __init__(self, commands: tuple[Command, ...], future: "asyncio.Future[list[Any]] | None") -> None:
        self.commands = commands
        self.future = future

    def settle(self, answers: list[Any]) -> None:
        if self.future is None or self.future.done():
            return
        error = next((answer for answer in answers if isinstance(answer, Exception)), None)
        if error is None:
            self.future.set_result(answers)
        else:
            self.future.set_exception(RedisUnavailable(str(error)))

    def refuse(self) -> None:
        if self.future is not None and not self.future.done():
            self.future.set_exception(RedisUnavailable("the connection to Redis was lost"))


class Line:
    """Connects while `run` runs, and again after a loss. While it is down, everything is refused or dropped at once.

    Nothing is sent twice: what was under way when the connection was lost may have happened or not.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: list[_Wish] = []
        self._under_way: list[_Wish] = []
        self._woken = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self.is_up = False
        self.dropped = 0  # what was sent by `send` and is lost, or may be

    def on_up(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` each time when there is a connection (again). It must not raise."""
        self._listeners.append(listener)

    def send(self, *commands: Command) -> None:
        """Send commands whose answers nobody needs; dropped while there is no connection."""
        if not self.is_up or len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(_Wish(commands, None))
        self._woken.set()

    async def ask(self, *commands: Command) -> list[Any]:
        """Send commands and return their answers. Raises `RedisUnavailable`."""
        if not self.is_up or len(self._waiting) >= MOST_WAITING:
            raise RedisUnavailable("no connection to Redis")
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Wish(commands, future))
        self._woken.set()
        return await future

    async def run(self) -> None:
        """Keep a connection until cancelled."""
        pause = _SHORTEST_PAUSE_SECONDS
        while True:
            connection = make_connection(self._url)
            try:
                await connection.connect()  # type: ignore[no-untyped-call]
                pause = _SHORTEST_PAUSE_SECONDS
                self._open()
                await self._serve(connection)
            except TROUBLE as error:
                _log.warning("redis_line_lost", extra={"reason": str(error) or type(error).__name__})
            finally:
                self._shut()
                await connection.disconnect(nowait=True)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _open(self) -> None:
        self.is_up = True
        for listener in self._listeners:
            listener()

    def _shut(self) -> None:
        self.is_up = False
        lost, self._under_way, self._waiting = [*self._under_way, *self._waiting], [], []
        for wish in lost:
            self.dropped += wish.future is None
            wish.refuse()

    async def _serve(self, connection: AbstractConnection) -> None:
        wire = Wire(connection)
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                self._under_way, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
                commands = [command for wish in self._under_way for command in wish.commands]
                answers = iter(await wire.exchange(commands, ANSWER_SECONDS))
                for wish in self._under_way:
                    wish.settle(list(islice(answers, len(wish.commands))))
                self._under_way = []


def database_of(url: str) -> int:
    """Return the number of the database that a URL names."""
    return int(parse_url(url).get("db", 0))


def make_connection(url: str) -> AbstractConnection:
    """Return a connection, not yet connected, that waits without end for an answer and retries nothing by itself."""
    pool = ConnectionPool.from_url(url, protocol=2, socket_timeout=None, socket_connect_timeout=ANSWER_SECONDS)
    connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
    return connection
