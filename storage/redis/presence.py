"""Who is subscribed to what in all houses. Redis may forget it: each house then tells anew what it knows."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from storage.redis.line import Line, RedisUnavailable

BEAT_SECONDS = 1.0
LIFE_SECONDS = 5.0
"""Without a sign of life for so long, a house's people are gone."""
KEPT_SECONDS = 86_400
RENEW_SECONDS = 36_000.0
"""What a dead house has left where nobody looks goes after a day; what is alive is written anew before."""
_log = logging.getLogger(__name__)

_BEAT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local is_new = redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREM', KEYS[1], ARGV[3])
return is_new
"""


class Presence:
    """One hash per channel: ``<life>:<client>`` -> user. A life is a house's time between two losses of its connection.

    So what could not be said when somebody left counts for nothing: it belongs to a life that has ended.
    """

    def __init__(self, line: Line, incarnation: int) -> None:
        self._line = line
        self._incarnation = incarnation
        self._lives = 0
        self._life = f"{incarnation}.0"
        self._listeners: list[Callable[[], None]] = []
        self._up = asyncio.Event()
        line.on_up(self._up.set)

    def on_forgotten(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` when everybody who is here must be entered (again). It must not raise."""
        self._listeners.append(listener)

    def enter(self, channel: str, client: str, user: str) -> None:
        """Somebody has subscribed in this house."""
        key = _key(channel)
        self._line.send(("HSET", key, f"{self._life}:{client}", user), ("EXPIRE", key, KEPT_SECONDS))

    def leave(self, channel: str, client: str) -> None:
        """Somebody is subscribed no longer."""
        self._line.send(("HDEL", _key(channel), f"{self._life}:{client}"))

    async def elsewhere(self, channels: Sequence[str]) -> list[dict[str, str]]:
        """Return for each channel who is subscribed in other houses: client -> user. Raises `RedisUnavailable`."""
        looks = [("HGETALL", _key(channel)) for channel in channels]
        *found, lives = await self._line.ask(*looks, ("ZRANGE", _LIVES, 0, -1))  # last: who came meanwhile lives
        others = {life.decode() for life in lives if not life.startswith(f"{self._incarnation}.".encode())}
        return [self._living(channel, pairs, others) for channel, pairs in zip(channels, found, strict=True)]

    async def run(self) -> None:
        """Give signs of life until cancelled."""
        entered_at, loop = 0.0, asyncio.get_running_loop()
        while True:
            if self._up.is_set():
                self._up.clear()
                self._lives += 1
            try:
                life, last = (f"{self._incarnation}.{number}" for number in (self._lives, self._lives - 1))
                self._life = life
                beat = ("EVAL", _BEAT, 1, _LIVES, life, int(LIFE_SECONDS * 1000), last)
                [is_new] = await self._line.ask(beat)
                if is_new or loop.time() - entered_at > RENEW_SECONDS:
                    entered_at = loop.time()
                    for listener in self._listeners:
                        listener()
            except RedisUnavailable as error:
                _log.debug("presence_not_told", extra={"reason": str(error)})
            try:
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._up.wait()
            except TimeoutError:
                continue

    async def end(self) -> None:
        """Say that nobody is here any more: others need not wait for the life's end."""
        with suppress(RedisUnavailable):
            await self._line.ask(("ZREM", _LIVES, self._life))

    def _living(self, channel: str, pairs: list[bytes], others: set[str]) -> dict[str, str]:
        """Who is there; entries of lives that have ended are dropped."""
        people, dead = {}, []
        for field, user in zip(pairs[::2], pairs[1::2], strict=True):
            life, _, client = field.decode().partition(":")
            if life in others:
                people[client] = user.decode()
            elif life != self._life:
                dead.append(field)
        if dead:
            self._line.send(("HDEL", _key(channel), *dead))
        return people


_LIVES = "lives"


def _key(channel: str) -> str:
    return f"in:{channel}"
