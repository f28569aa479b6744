"""A cluster as people run it: the public command in a process of its own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from app.cluster.roster import KeptHouse, read_roster
from tests.running import ROOT, RunningHouse

BACK_SECONDS = 20.0


class RunningCluster(RunningHouse):
    """Looks from outside like one house; its clients talk to the front."""

    def __init__(self, data: Path, environment: Mapping[str, str] | None = None, *, houses: int = 3) -> None:
        super().__init__(data, environment)
        if "POSTHOUSE_REDIS_URL" not in (environment or {}):
            self._environment.pop("POSTHOUSE_REDIS_URL", None)  # it brings its own
        self._count = houses

    async def start(self) -> float:
        """Start it, and return the seconds until every house is ready."""
        self._starts += 1
        began = time.monotonic()
        where = ["--port", str(self.port), "--data", str(self.data), "--houses", str(self._count)]
        with self._said("stdout").open("wb") as stdout, self._said("stderr").open("wb") as stderr:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - takes some milliseconds, and nobody waits
                [sys.executable, str(ROOT / "main.py"), "cluster", *where],
                stdout=stdout, stderr=stderr, env=self._environment,
            )  # fmt: skip
        while not self.lines("cluster_ready"):
            if self._process.poll() is not None or time.monotonic() > began + 90:
                raise AssertionError(f"it did not start: {self.said()}")
            await asyncio.sleep(0.02)
        self.url = self.lines("cluster_ready")[0]["url"]
        return time.monotonic() - began

    def said(self) -> str:
        """The ends of what it has said."""
        return self._said("stderr").read_text()[-3000:] + self._said("stdout").read_text()[-3000:]

    @property
    def houses(self) -> dict[str, KeptHouse]:
        """The houses by their names, as they are now."""
        roster = read_roster(self.data)
        assert roster is not None, "no cluster runs"
        return {house.name: house for house in roster.houses}

    def log_of(self, name: str) -> list[dict[str, object]]:
        """The lines of one house's log."""
        return self.lines_of(self.data / "houses" / name / "logs" / "posthouse.log")

    async def until_logged(self, name: str, event: str, within_seconds: float = 5.0) -> None:
        """Wait until a house's log has a line: its writer takes up to 100 ms, longer when the machine is busy."""
        until = time.monotonic() + within_seconds
        while not any(line["event"] == event for line in self.log_of(name)):
            assert time.monotonic() < until, f"{name} did not log {event}"
            await asyncio.sleep(0.05)

    def faults_of_houses(self) -> list[dict[str, object]]:
        """Every line that tells of a bug, of all houses."""
        names = [path.name for path in (self.data / "houses").iterdir()]
        return [line for name in names for line in self.log_of(name) if line.get("level") in {"error", "critical"}]

    def signal(self, name: str, number: signal.Signals) -> int:
        """Send a signal to one house; returns its process id."""
        pid = self.houses[name].pid
        os.kill(pid, number)
        return pid

    async def until_back(self, name: str, pid: int, within_seconds: float = BACK_SECONDS) -> float:
        """Wait until the house is ready as another process than ``pid``; returns the seconds that it took."""
        began = time.monotonic()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as client:
            while True:
                now = self.houses[name]
                if now.pid not in {0, pid} and await is_ready(client, now.url):
                    return time.monotonic() - began
                assert time.monotonic() < began + within_seconds, f"{name} is not back: {self.said()}"
                await asyncio.sleep(0.05)

    async def until_all_ready(self, within_seconds: float = BACK_SECONDS) -> float:
        """Wait until every house wants requests."""
        began = time.monotonic()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as client:
            while not all([await is_ready(client, house.url) for house in self.houses.values()]):
                assert time.monotonic() < began + within_seconds, f"not all are ready: {self.said()}"
                await asyncio.sleep(0.05)
        return time.monotonic() - began


async def is_ready(client: aiohttp.ClientSession, url: str) -> bool:
    """Whether a house wants requests."""
    try:
        async with client.get(f"{url}/ready") as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


@asynccontextmanager
async def running_cluster(
    data: Path, environment: Mapping[str, str] | None = None, *, houses: int = 3
) -> AsyncIterator[RunningCluster]:
    """A started cluster, which is gone at the end whatever has become of it."""
    cluster = RunningCluster(data, environment, houses=houses)
    try:
        await cluster.start()
        yield cluster
    finally:
        if cluster._process is not None and cluster._process.poll() is None:
            await cluster.stop()
