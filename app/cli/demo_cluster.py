"""The demo's villain: ends a house of the cluster while the story is told, and sees it come back."""

import asyncio
import os
import random
import signal
from pathlib import Path

import aiohttp

from app.cli.demo_stage import PATIENCE_SECONDS, StoryFailed, check, say
from app.cluster.roster import KeptHouse, Roster, read_roster


class Villain:
    """Knows the cluster that runs on this data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._victim: KeptHouse | None = None

    def candidates(self) -> list[KeptHouse]:
        """Those who may be killed. Raises `StoryFailed`: nobody would be left to tell the story."""
        running = [house for house in self._roster().houses if house.pid]
        check(len(running) > 1, f"only {len(running)} house runs: who should go on?")
        return running

    def strike(self) -> None:
        """End a house as kill -9 does."""
        self._victim = random.choice(self.candidates())  # noqa: S311 - no secret
        os.kill(self._victim.pid, signal.SIGKILL)
        say(f"{self._victim.name} was killed (kill -9 {self._victim.pid}), and the story goes on")

    async def regret(self, http: aiohttp.ClientSession) -> None:
        """See the house come back."""
        victim = self._victim
        check(victim is not None, "nobody was killed")
        assert victim is not None  # noqa: S101 - checked
        until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            [now] = [house for house in self._roster().houses if house.name == victim.name]
            if now.pid not in {0, victim.pid} and await is_ready(http, now.url):
                break
            check(asyncio.get_running_loop().time() < until, f"{victim.name} does not come back")
            await asyncio.sleep(0.1)
        say(f"{victim.name} is back, as process {now.pid}")

    def _roster(self) -> Roster:
        roster = read_roster(self._data)
        if roster is None:
            raise StoryFailed("no cluster runs on this data folder. Start one with: python3 main.py cluster")
        return roster


async def is_ready(http: aiohttp.ClientSession, url: str) -> bool:
    """Whether a house wants requests."""
    try:
        async with http.get(f"{url}/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False
