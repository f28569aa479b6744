"""How the push services are that people have named: one that does not answer is left alone for a while."""

from collections import OrderedDict
from collections.abc import Callable

from actors.outgoing.breaker import Breaker

MOST_HOSTS = 1_000
FAILURES = 3
SECONDS = 30.0


class Hosts:
    """A breaker for each host, so that slow ones do not keep others waiting. Remembers the thousand used last."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._breakers: OrderedDict[str, Breaker] = OrderedDict()

    def breaker(self, host: str) -> Breaker:
        """Return the host's own."""
        found = self._breakers.pop(host, None) or Breaker(self._monotonic, failures=FAILURES, seconds=SECONDS)
        self._breakers[host] = found
        if len(self._breakers) > MOST_HOSTS:
            self._breakers.popitem(last=False)
        return found
