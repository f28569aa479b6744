"""What is said to whoever listens at this moment, in any house: Redis's publish and subscribe. At most once."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Callable, Sequence

from redis.asyncio.connection import AbstractConnection

from storage.redis.line import TROUBLE, Line, RedisUnavailable, database_of, make_connection

Hear = Callable[[bytes], None]
PING_SECONDS = 0.5
_UNANSWERED = 3
"""Pings without any sign of life; then the connection is given up."""
_TOGETHER = 500
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 1.0
_log = logging.getLogger(__name__)


class PubSub:
    """Hears while `run` runs. What one house says arrives in its order, while connections last.

    A loss is no secret: `on_gap` is called when everything is heard again that was subscribed to before, so that
    whoever must not miss anything looks elsewhere for what was said meanwhile.
    """

    def __init__(self, url: str, line: Line) -> None:
        """``line`` sends."""
        self._url = url
        self._line = line
        self._prefix = b"%d/" % database_of(url)  # channels of Redis know no database numbers
        self._hear: dict[bytes, Hear] = {}
        self._unheard: dict[bytes, asyncio.Future[None]] = {}  # asked for, not acknowledged
        self._asked: Counter[bytes] = Counter()  # subscriptions under way on this connection
        self._wishes: list[tuple[bytes, bytes]] = []
        self._woken = asyncio.Event()
        self._gap_listeners: list[Callable[[], None]] = []
        self._lost_listeners: list[Callable[[], None]] = []
        self._dropped = line.dropped
        line.on_up(self._tell_lost)
        self._is_catching_up = False
        self._unanswered = 0
        self._pause_seconds = _SHORTEST_PAUSE_SECONDS
        self.is_hearing = False
        """Whether everything that is said is heard."""

    def on_gap(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` when all is heard again after a loss, and once in the beginning. It must not raise."""
        self._gap_listeners.append(listener)

    def on_lost(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` when something can be said again, after something that was said may have been lost."""
        self._lost_listeners.append(listener)

    def publish(self, channel: str, said: bytes) -> None:
        """Say something; nobody hears it when there is no connection."""
        self._line.send((b"PUBLISH", self._prefix + channel.encode(), said))

    def subscribe(self, channel: str, hear: Hear) -> "asyncio.Future[None]":
        """Hear what is said in a channel from now on; ``hear`` must not block or raise.

        The future is done when Redis has acknowledged: what is said then is heard. Without a connection it is done
        at once, and `on_gap` follows.
        """
        name, future = self._prefix + channel.encode(), asyncio.get_running_loop().create_future()
        self._hear[name] = hear
        if self.is_hearing or self._is_catching_up:
            self._unheard[name] = future
            self._wish(b"SUBSCRIBE", name)
        else:
            future.set_result(None)
        return future

    def unsubscribe(self, channel: str) -> None:
        """Hear of a channel no more."""
        name = self._prefix + channel.encode()
        del self._hear[name]
        if (future := self._unheard.pop(name, None)) is not None:
            future.set_result(None)
        if self.is_hearing or self._is_catching_up:
            self._wish(b"UNSUBSCRIBE", name)

    def is_unheard(self, channel: str) -> bool:
        """Whether Redis has yet to acknowledge a subscription."""
        return self._prefix + channel.encode() in self._unheard

    async def count_others(self, channels: Sequence[str]) -> list[int]:
        """Return for each channel how many others hear it; 0 without a connection."""
        names = [self._prefix + channel.encode() for channel in channels]
        try:
            [answer] = await self._line.ask((b"PUBSUB", b"NUMSUB", *names))
        except RedisUnavailable:
            return [0] * len(names)
        return [count - (name in self._hear) for name, count in zip(names, answer[1::2], strict=True)]

    async def run(self) -> None:
        """Keep a connection that hears, until cancelled."""
        while True:
            connection = make_connection(self._url)
            try:
                async with asyncio.timeout(PING_SECONDS * _UNANSWERED):
                    await connection.connect()  # type: ignore[no-untyped-call]
                self._begin()
                await self._serve(connection)
            except TROUBLE as error:
                _log.warning("redis_hears_nothing", extra={"reason": str(error) or type(error).__name__})
            finally:
                self._end()
                await connection.disconnect(nowait=True)
            await asyncio.sleep(self._pause_seconds)
            self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _begin(self) -> None:
        """Ask for everything anew; once it is acknowledged, so is all that was asked for before."""
        self._is_catching_up, self._unanswered = True, 0
        self._wishes = [(b"SUBSCRIBE", name) for name in self._hear]
        self._asked = Counter(list(self._hear))
        self._wishes.append((b"PING", b""))
        self._woken.set()

    def _end(self) -> None:
        self.is_hearing = self._is_catching_up = False
        unheard, self._unheard = self._unheard, {}
        for future in unheard.values():
            future.set_result(None)

    def _wish(self, verb: bytes, name: bytes) -> None:
        self._wishes.append((verb, name))
        self._asked[name] += verb == b"SUBSCRIBE"
        self._woken.set()

    async def _serve(self, connection: AbstractConnection) -> None:
        """Read, write and ping until one of them fails."""
        parts = [asyncio.create_task(part) for part in (self._read(connection), self._write(connection), self._ping())]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _write(self, connection: AbstractConnection) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            wishes, self._wishes = self._wishes, []
            for first in range(0, len(wishes), _TOGETHER):
                commands = [tuple(filter(None, wish)) for wish in wishes[first : first + _TOGETHER]]
                await connection.send_packed_command(connection.pack_commands(commands), check_health=False)

    async def _ping(self) -> None:
        while self._unanswered < _UNANSWERED:
            self._unanswered += 1
            self._wishes.append((b"PING", b""))
            self._woken.set()
            await asyncio.sleep(PING_SECONDS)
        raise RedisUnavailable("Redis does not answer")

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            said = await connection.read_response(timeout=math.inf)
            self._unanswered = 0
            if said[0] == b"message":
                if (hear := self._hear.get(said[1])) is not None:
                    hear(said[2])
            elif said[0] == b"subscribe":
                self._acknowledge(said[1])
            elif self._is_catching_up and said[0] != b"unsubscribe":  # a pong, behind all subscriptions
                self._caught_up()

    def _acknowledge(self, name: bytes) -> None:
        self._asked[name] -= 1
        if self._asked[name] <= 0:
            del self._asked[name]
            if (future := self._unheard.pop(name, None)) is not None:
                future.set_result(None)

    def _tell_lost(self) -> None:
        if self._line.dropped != self._dropped:
            self._dropped = self._line.dropped
            for listener in self._lost_listeners:
                listener()

    def _caught_up(self) -> None:
        self._is_catching_up, self.is_hearing = False, True
        self._pause_seconds = _SHORTEST_PAUSE_SECONDS
        for listener in self._gap_listeners:
            listener()
