"""How many commands a connection may send: a bucket that refills, and an end to patience."""

from handlers.realtime.codes import FLOOD, TOO_MANY_REQUESTS, Ended, Refused
from handlers.realtime.settings import RealtimeSettings


class Budget:
    """Starts full. A client that is refused as often as its burst is large, without ever resting, is sent away."""

    __slots__ = ("_at", "_left", "_refused")

    def __init__(self, settings: RealtimeSettings, now: float) -> None:
        self._left = float(settings.commands_burst)
        self._refused = 0
        self._at = now

    def spend(self, settings: RealtimeSettings, now: float) -> None:
        """Take one command off. Raises `Refused` 111 when nothing is left, `Ended` 3013 when that goes on."""
        refilled = self._left + (now - self._at) * settings.commands_per_second
        self._left = min(refilled, settings.commands_burst)
        self._at = now
        if self._left >= settings.commands_burst:
            self._refused = 0
        if self._left >= 1:
            self._left -= 1
            return
        self._refused += 1
        if self._refused > settings.commands_burst:
            raise Ended(FLOOD)
        raise Refused(TOO_MANY_REQUESTS, "too many requests", temporary=True)
