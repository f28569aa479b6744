"""Rate limits: one number per caller and route class (GCRA), in bounded memory."""

import math
import re
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

import msgspec

_RATE = re.compile(r"^(?P<count>\d+)/(?P<unit>second|minute|hour)(?: burst (?P<burst>\d+))?$")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}


class Rate(NamedTuple):
    """So many requests in so many seconds, of which ``burst`` may come at once."""

    requests: int
    seconds: int
    burst: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read ``120/minute`` (all of them at once, if need be) or ``120/minute burst 20``. Raises `ValueError`."""
        found = _RATE.match(text)
        if found is None or not (count := int(found["count"])):
            raise ValueError(f"{text!r} is not a rate such as 120/minute or 120/minute burst 20")
        burst = count if found["burst"] is None else int(found["burst"])
        if not burst:
            raise ValueError(f"{text!r}: a burst of 0 would let nobody in")
        return cls(count, _SECONDS[found["unit"]], burst)


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``[limits]``: one rate per route class, for each user, or for each address where nobody is logged in."""

    enabled: bool = True
    read: str = "120000/minute"
    write: str = "60000/minute"
    auth: str = "600/minute"  # registration, login, refresh: each costs a password hash
    worker: str = "240000/minute"

    def __post_init__(self) -> None:
        """Refuse what is not a rate while the settings are read."""
        for name in ("read", "write", "auth", "worker"):
            Rate.parse(getattr(self, name))


class Taken(NamedTuple):
    """What a caller has left after a request."""

    remaining: int
    reset_seconds: int  # until the whole burst is there again
    wait_seconds: float = 0.0  # more than 0: refused, and not counted; so long until the next one may come


class Limit:
    """The requests of one route class.

    Source: generic cell rate algorithm (ATM Forum TM 4.0): one "theoretical arrival time" per key. Memory holds at most
    two generations of ``max_keys`` keys; a caller who is forgotten has been passed by ``max_keys`` others, and starts
    with a full burst.
    """

    def __init__(self, rate: Rate, *, max_keys: int = 50_000, clock: Callable[[], float] = monotonic) -> None:
        self.headline = str(rate.burst)
        self._step = rate.seconds / rate.requests
        self._window = self._step * rate.burst
        self._young: dict[str, float] = {}
        self._old: dict[str, float] = {}
        self._max_keys = max_keys
        self._clock = clock
        self.taken: dict[str, int] | None = None
        """Where there may be other houses: requests per key that they have yet to hear of."""

    def take(self, key: str) -> Taken:
        """Count one request, unless it is one too many."""
        now = self._clock()
        arrival = self._young.get(key) or self._old.get(key, now)
        arrival = max(arrival, now)
        room = self._window - (arrival - now)
        if room < self._step * 0.999_999:  # so that rounding never costs the last request of a burst
            return Taken(0, math.ceil(arrival - now), self._step - room)
        if len(self._young) >= self._max_keys:
            self._old, self._young = self._young, {}
        self._young[key] = arrival = arrival + self._step
        if self.taken is not None:
            self.taken[key] = self.taken.get(key, 0) + 1
        return Taken(max(0, round(room / self._step) - 1), math.ceil(arrival - now))

    def seconds(self, count: int) -> float:
        """By how much so many requests move a key's arrival on."""
        return count * self._step

    def learn(self, key: str, ahead_seconds: float) -> None:
        """Take note of a key's arrival as all houses together have moved it on, this one's untold requests apart."""
        now = self._clock()
        untold = 0 if self.taken is None else self.taken.get(key, 0)
        arrival = now + ahead_seconds + self.seconds(untold)
        self._young[key] = max(arrival, self._young.get(key) or self._old.get(key, now))


def limits(settings: LimitSettings) -> dict[str, Limit]:
    """One limit per route class; none at all when they are switched off."""
    if not settings.enabled:
        return {}
    return {name: Limit(Rate.parse(getattr(settings, name))) for name in ("read", "write", "auth", "worker")}
