"""What each house answers to each person while something is wrong."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp

from tests.running import Person


class Asked:
    """The answers."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.by_house: dict[str, Counter[int]] = {}
        self.served: dict[str, set[str]] = {}  # person -> houses that served
        self.slowest: dict[str, float] = {}  # house -> seconds

    @property
    def slowest_seconds(self) -> float:
        """Of all houses."""
        return max(self.slowest.values())

    def note(self, url: str, person: str, status: int, seconds: float) -> None:
        """One answer."""
        self.statuses[status] += 1
        self.by_house.setdefault(url, Counter())[status] += 1
        self.slowest[url] = max(self.slowest.get(url, 0.0), seconds)
        if status == 200:
            self.served.setdefault(person, set()).add(url)


@asynccontextmanager
async def asked_everywhere(people: Sequence[Person], urls: Sequence[str]) -> AsyncIterator[Asked]:
    """Ask every house for every person's own things, again and again."""
    asked = Asked()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client:

        async def ask(url: str) -> None:
            while True:
                for person in people:
                    began = time.monotonic()
                    async with client.get(f"{url}/api/v1/notifications/preferences", headers=person.headers) as answer:
                        asked.note(url, person.id, answer.status, time.monotonic() - began)
                await asyncio.sleep(0.05)

        tasks = [asyncio.create_task(ask(url)) for url in urls]
        yield asked
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, asyncio.CancelledError), result
