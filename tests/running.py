"""A house as people run it: the public command in a process of its own, on a data folder of its own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import aiohttp
import asyncpg

from app.cli.operator import Operator, read_operator
from tests import transport

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 20.0


class Person(NamedTuple):
    """Somebody with an account."""

    id: str
    name: str
    token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        """What every request of theirs carries."""
        return {"Authorization": f"Bearer {self.token}"}


class Stopped(NamedTuple):
    """How a house ended."""

    code: int
    seconds: float


class RunningHouse:
    """Starts, kills and stops one house; what it says is in ``stdout`` and ``stderr`` of the data folder.

    ``environment`` holds settings beyond the defaults. ``url`` changes with every start, unless ``port`` is set.
    """

    def __init__(self, data: Path, environment: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.url = ""
        self.port = 0  # a free one
        self.program = [sys.executable, str(ROOT / "main.py")]  # another one may break it somewhere
        self._environment = os.environ | transport.environment() | dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process of the last start."""
        assert self._process is not None
        return self._process

    @property
    def operator(self) -> Operator:
        """The house's own key for commands on its machine, of a super_admin with every scope."""
        operator = read_operator(self.data)
        assert operator is not None
        return operator

    @property
    def admin(self) -> dict[str, str]:
        """Headers of a super_admin who is a worker too."""
        return {"Authorization": f"Bearer {self.operator.api_key}"}

    @property
    def postmaster(self) -> int:
        """The process id of its PostgreSQL."""
        return int((self.data / "postgres/cluster/postmaster.pid").read_text().split("\n", 1)[0])

    async def start(self) -> float:
        """Start it and return the seconds from the making of the process until ``/ready`` says 200."""
        self._starts += 1
        out, err = self._said("stdout"), self._said("stderr")
        began = time.monotonic()
        with out.open("wb") as stdout, err.open("wb") as stderr:
            where = ["--port", str(self.port), "--data", str(self.data)]
            command = [*self.program, "serve", *where]
            self._process = subprocess.Popen(  # noqa: ASYNC220 - takes some milliseconds, and nobody waits
                command, stdout=stdout, stderr=stderr, env=self._environment
            )
        while not self.lines("house_ready"):
            if self._process.poll() is not None or time.monotonic() > began + START_SECONDS:
                raise AssertionError(f"it did not start: {err.read_text()[-3000:]}{out.read_text()[-3000:]}")
            await asyncio.sleep(0.01)
        self.url = self.lines("house_ready")[0]["url"]
        await self.until_ready(START_SECONDS)
        return time.monotonic() - began

    async def until_ready(self, within_seconds: float) -> float:
        """Wait for ``/ready`` to say 200 and return the seconds that it took."""
        began = time.monotonic()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
            while True:
                try:
                    async with client.get(f"{self.url}/ready") as answer:
                        if answer.status == 200:
                            return time.monotonic() - began
                        said: object = await answer.text()
                except (aiohttp.ClientError, TimeoutError) as error:
                    said = error
                assert time.monotonic() < began + within_seconds, f"not ready: {said!r}"
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.process.kill()
        self.process.wait()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> Stopped:
        """Ask it to stop and wait until it has; one that does not is killed, and fails the test."""
        began = time.monotonic()
        self.process.send_signal(number)
        return await self.ended(began)

    async def ended(self, began: float) -> Stopped:
        """Wait until the process has ended."""
        while self.process.poll() is None:
            if time.monotonic() > began + STOP_SECONDS:
                self.kill()
                raise AssertionError(f"still there {STOP_SECONDS} s after it was asked to stop")
            await asyncio.sleep(0.01)
        return Stopped(self.process.returncode, time.monotonic() - began)

    def lines(self, event: str | None = None) -> list[dict[str, Any]]:
        """The lines of the log since the last start, of one event or of all."""
        return self.lines_of(self._said("stdout"), event)

    @staticmethod
    def lines_of(path: Path, event: str | None = None) -> list[dict[str, Any]]:
        """The lines of a log's file, of one event or of all."""
        lines = []
        for line in path.read_bytes().splitlines():
            if event is None or f'"{event}"'.encode() in line:
                try:
                    lines.append(json.loads(line))
                except ValueError:  # a line that is being written
                    continue
        return [line for line in lines if event is None or line.get("event") == event]

    def faults(self) -> list[dict[str, Any]]:
        """Every line since the last start that tells of a bug: a crash, or anything else of level error."""
        return [line for line in self.lines() if line.get("level") in {"error", "critical"}]

    async def sql(self, statement: str, *args: object) -> list[Any]:
        """Rows, straight from its database."""
        connection = await asyncpg.connect(self.operator.dsn)
        try:
            return await connection.fetch(statement, *args)
        finally:
            await connection.close()

    async def register(self, client: aiohttp.ClientSession) -> Person:
        """Make an account."""
        name = f"p{uuid4().hex[:16]}"
        body = {"username": name, "email": f"{name}@example.org", "password": f"correct horse {name}"}
        async with client.post(f"{self.url}/api/v1/users/register", json=body) as answer:
            said = await answer.json(content_type=None)
            assert answer.status == 201, said
        return Person(said["user"]["id"], name, said["access_token"], said["refresh_token"])

    def verify(self) -> str:
        """Replay every stream with ``main.py verify``; returns what it says when something does not agree."""
        command = [sys.executable, str(ROOT / "main.py"), "verify", "--data", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def _said(self, what: str) -> Path:
        return self.data / f"{what}.{self._starts}"


@asynccontextmanager
async def running_house(data: Path, environment: Mapping[str, str] | None = None) -> AsyncIterator[RunningHouse]:
    """A started house, which is gone at the end whatever has become of it."""
    house = RunningHouse(data, environment)
    try:
        await house.start()
        yield house
    finally:
        await end(house)


async def end(house: RunningHouse) -> None:
    """Stop it if it still runs."""
    if house._process is not None and house._process.poll() is None:
        await house.stop()
