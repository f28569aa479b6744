"""Limits on guessing: failed attempts per name, in memory, and shared between houses where there may be others."""

from collections import OrderedDict
from typing import Protocol

from actors.auth.settings import AuthSettings
from actors.errors import RateLimited
from actors.runtime.actor import Turn


class Attempts:
    """A burst of attempts per name, then one per interval (generic cell rate algorithm).

    An attempt counts when it starts, so that a thousand at once are a thousand; one that succeeds is given back.
    At most ``capacity`` names are remembered; the one that was not seen for longest is forgotten first.
    """

    def __init__(self, burst: int, interval_seconds: float, capacity: int = 100_000) -> None:
        self.interval_seconds = interval_seconds
        self.tolerance_seconds = burst * interval_seconds
        self._capacity = capacity
        self._arrivals: OrderedDict[str, float] = OrderedDict()  # name -> when it will be as if it had never come

    def spend(self, name: str, now: float) -> None:
        """Count an attempt at ``now`` (seconds). Raises `RateLimited`."""
        arrival = max(self._arrivals.get(name, now), now) + self.interval_seconds
        if arrival - now > self.tolerance_seconds:
            raise RateLimited("too many attempts", retry_after=arrival - now - self.tolerance_seconds)
        self._arrivals[name] = arrival
        self._arrivals.move_to_end(name)
        if len(self._arrivals) > self._capacity:
            self._arrivals.popitem(last=False)

    def give_back(self, name: str) -> None:
        """The attempt was a good one: it does not count."""
        if name in self._arrivals:
            self._arrivals[name] -= self.interval_seconds


class Shared(Protocol):
    """The same count in all houses."""

    async def spend(self, name: str, interval_seconds: float, tolerance_seconds: float) -> float:
        """Count an attempt; more than 0: it is one too many, for so many seconds. Raises ConnectionError."""
        ...

    def give_back(self, name: str, interval_seconds: float) -> None:
        """An attempt does not count after all."""
        ...


class Guard:
    """Limits attempts per account and per address. Accounts that do not exist are counted alike.

    ``shared`` is set where there may be other houses. While it cannot be asked, each house counts for itself.
    """

    shared: Shared | None = None

    def __init__(self, settings: AuthSettings) -> None:
        self._is_on = settings.limit_attempts
        self._accounts = Attempts(settings.attempts_per_account, settings.account_interval_seconds)
        self._addresses = Attempts(settings.attempts_per_address, settings.address_interval_seconds)

    async def enter(self, account: str, turn: Turn) -> None:
        """Count an attempt on ``account`` (any name for it, without case). Raises `RateLimited`."""
        if self._is_on:
            now = turn.now.timestamp()
            self._addresses.spend(turn.caller.address, now)
            self._accounts.spend(account.lower(), now)
            if self.shared is not None:
                await self._enter_all(self.shared, account, turn)

    def passed(self, account: str, turn: Turn) -> None:
        """The attempt was a good one: it does not count."""
        if self._is_on:
            self._addresses.give_back(turn.caller.address)
            self._accounts.give_back(account.lower())
            if self.shared is not None:
                for name, attempts in self._counted(account, turn):
                    self.shared.give_back(name, attempts.interval_seconds)

    async def _enter_all(self, shared: Shared, account: str, turn: Turn) -> None:
        for name, attempts in self._counted(account, turn):
            try:
                wait = await shared.spend(name, attempts.interval_seconds, attempts.tolerance_seconds)
            except ConnectionError:
                return
            if wait > 0:
                raise RateLimited("too many attempts", retry_after=wait)

    def _counted(self, account: str, turn: Turn) -> list[tuple[str, Attempts]]:
        address = f"attempts:address:{turn.caller.address}"
        return [(address, self._addresses), (f"attempts:account:{account.lower()}", self._accounts)]
