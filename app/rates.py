"""Rate limits over all houses: each decides at once by what it knows, and they tell each other ten times a second."""

import asyncio
from collections.abc import Mapping

from handlers.rate_limit import Limit
from storage.redis.line import RedisUnavailable
from storage.redis.rates import Rates

SYNC_SECONDS = 0.1


class SharedLimits:
    """What a caller takes in other houses is known here a moment later, where they come here, too.

    Without Redis each house goes on with what it has seen itself.
    """

    def __init__(self, limits: Mapping[str, Limit], rates: Rates) -> None:
        self._limits = limits
        self._rates = rates
        for limit in limits.values():
            limit.taken = {}

    async def run(self) -> None:
        """Tell and hear until cancelled."""
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            for name, limit in self._limits.items():
                if limit.taken:
                    await self._share(name, limit, limit.taken)

    async def _share(self, name: str, limit: Limit, taken: Mapping[str, int]) -> None:
        limit.taken = {}
        try:
            ahead = await self._rates.add({f"{name}:{key}": limit.seconds(count) for key, count in taken.items()})
        except RedisUnavailable:
            return
        for key in taken:
            limit.learn(key, ahead[f"{name}:{key}"])
