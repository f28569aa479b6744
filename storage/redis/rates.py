"""Counters of rates that all houses share: a moment per name, which each use moves on (generic cell rate algorithm)."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from storage.redis.line import Line

_TOGETHER = 500
_TIME = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
"""
_ADD = (
    _TIME
    + """
local leads = {}
for i, key in ipairs(KEYS) do
    local arrival = math.max(tonumber(redis.call('GET', key) or 0), now) + ARGV[i]
    redis.call('SET', key, string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1)
    leads[i] = string.format('%.0f', arrival - now)
end
return leads
"""
)
"""KEYS are names, ARGV by how many microseconds each moves on. Returns how far each is ahead of now."""
_SPEND = (
    _TIME
    + """
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + ARGV[1]
if arrival - now > tonumber(ARGV[2]) then
    return string.format('%.0f', arrival - now - ARGV[2])
end
redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1)
return '0'
"""
)
"""One name, unless it would be too far ahead: by how many microseconds. Returns how many to wait; 0: it was counted."""
_GIVE_BACK = """
local arrival = redis.call('GET', KEYS[1])
if arrival then
    redis.call('SET', KEYS[1], string.format('%.0f', arrival - ARGV[1]), 'KEEPTTL')
end
"""


class Rates:
    """Each name lives as long as it says anything. What Redis forgets begins afresh."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def add(self, seconds: Mapping[str, float]) -> dict[str, float]:
        """Move names on, and return by how many seconds each is ahead of now. Raises `RedisUnavailable`."""
        names, ahead = list(seconds), dict[str, float]()
        for first in range(0, len(names), _TOGETHER):
            some = names[first : first + _TOGETHER]
            args = [round(seconds[name] * 1e6) for name in some]
            [leads] = await self._line.ask(("EVAL", _ADD, len(some), *map(_key, some), *args))
            ahead.update(zip(some, _seconds(leads), strict=True))
        return ahead

    async def spend(self, name: str, interval_seconds: float, tolerance_seconds: float) -> float:
        """Count one use, unless it is one too many; returns the seconds to wait until one is not.

        Raises `RedisUnavailable`.
        """
        numbers = round(interval_seconds * 1e6), round(tolerance_seconds * 1e6)
        answers = await self._line.ask(("EVAL", _SPEND, 1, _key(name), *numbers))
        return _seconds(answers)[0]

    def give_back(self, name: str, interval_seconds: float) -> None:
        """A use does not count after all."""
        self._line.send(("EVAL", _GIVE_BACK, 1, _key(name), round(interval_seconds * 1e6)))


def _seconds(microseconds: Sequence[bytes]) -> list[float]:
    return [int(each) / 1e6 for each in microseconds]


def _key(name: str) -> str:
    """Names may be as long as somebody types, and are nobody's business here."""
    return f"rate:{blake2b(name.encode(), digest_size=16).hexdigest()}"
