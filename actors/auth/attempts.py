"""Limits on guessing: failed attempts per name, in memory."""

from collections import OrderedDict

from actors.auth.settings import AuthSettings
from actors.errors import RateLimited
from actors.runtime.actor import Turn


class Attempts:
    """A burst of attempts per name, then one per interval (generic cell rate algorithm).

    An attempt counts when it starts, so that a thousand at once are a thousand; one that succeeds is given back.
    At most ``capacity`` names are remembered; the one that was not seen for longest is forgotten first.
    """

    def __init__(self, burst: int, interval_seconds: float, capacity: int = 100_000) -> None:
        self._interval = interval_seconds
        self._tolerance = burst * interval_seconds
        self._capacity = capacity
        self._arrivals: OrderedDict[str, float] = OrderedDict()  # name -> when it will be as if it had never come

    def spend(self, name: str, now: float) -> None:
        """Count an attempt at ``now`` (seconds). Raises `RateLimited`."""
        arrival = max(self._arrivals.get(name, now), now) + self._interval
        if arrival - now > self._tolerance:
            raise RateLimited("too many attempts", retry_after=arrival - now - self._tolerance)
        self._arrivals[name] = arrival
        self._arrivals.move_to_end(name)
        if len(self._arrivals) > self._capacity:
            self._arrivals.popitem(last=False)

    def give_back(self, name: str) -> None:
        """The attempt was a good one: it does not count."""
        if name in self._arrivals:
            self._arrivals[name] -= self._interval


class Guard:
    """Limits attempts per account and per address. Accounts that do not exist are counted alike."""

    def __init__(self, settings: AuthSettings) -> None:
        self._is_on = settings.limit_attempts
        self._accounts = Attempts(settings.attempts_per_account, settings.account_interval_seconds)
        self._addresses = Attempts(settings.attempts_per_address, settings.address_interval_seconds)

    def enter(self, account: str, turn: Turn) -> None:
        """Count an attempt on ``account`` (any name for it, without case). Raises `RateLimited`."""
        if self._is_on:
            now = turn.now.timestamp()
            self._addresses.spend(turn.caller.address, now)
            self._accounts.spend(account.lower(), now)

    def passed(self, account: str, turn: Turn) -> None:
        """The attempt was a good one: it does not count."""
        if self._is_on:
            self._addresses.give_back(turn.caller.address)
            self._accounts.give_back(account.lower())
