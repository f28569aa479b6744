"""When an actor that crashed may go on, and when the house calls itself degraded."""

from collections import deque
from math import inf

WINDOW_SECONDS = 60.0
RESTARTS = 5  # within the window; one more is a pause
PAUSE_CAP_SECONDS = 30.0
BACKOFF_SECONDS = 0.1


class Trouble:
    """The crashes of one actor that nobody has forgiven yet."""

    __slots__ = ("_times", "pauses", "resumes_at")

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=RESTARTS)
        self.pauses = 0
        self.resumes_at = 0.0

    def crashed(self, now: float) -> float:
        """Count a crash; return how long the actor waits before its restart, in seconds.

        0.1, 0.2, 0.4, 0.8 s; from the fifth crash in 60 s on: 1, 2, 4 ... 30 s, until it lives through 60 s.
        """
        self._times.append(now)
        recent = sum(1 for time in self._times if time > now - WINDOW_SECONDS)
        if recent >= RESTARTS or self.pauses:
            delay = min(PAUSE_CAP_SECONDS, 2.0**self.pauses)
            self.pauses += 1
        else:
            delay = BACKOFF_SECONDS * 2 ** (recent - 1)
        self.resumes_at = now + delay
        return delay

    @property
    def is_over_at(self) -> float:
        """When 60 s will have passed without a crash since it went on."""
        return self.resumes_at + WINDOW_SECONDS

    def is_over(self, now: float) -> bool:
        """Whether they have."""
        return now >= self.is_over_at


class Supervisor:
    """The troubled actors of the house, by (kind, key)."""

    def __init__(self) -> None:
        self._troubles: dict[tuple[str, str], Trouble] = {}

    def crashed(self, kind: str, key: str, now: float) -> float:
        """See `Trouble.crashed`."""
        return self._troubles.setdefault((kind, key), Trouble()).crashed(now)

    def forgive(self, now: float) -> None:
        """Forget troubles that are over."""
        for address in [address for address, trouble in self._troubles.items() if trouble.is_over(now)]:
            del self._troubles[address]

    def due_at(self) -> float:
        """When there is something to forgive (monotonic); infinite: there are no troubles."""
        return min((trouble.is_over_at for trouble in self._troubles.values()), default=inf)

    @property
    def degraded(self) -> frozenset[str]:
        """Kinds with an actor that kept crashing."""
        return frozenset(kind for (kind, _), trouble in self._troubles.items() if trouble.pauses)
