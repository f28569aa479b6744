"""A house of the benchmark's own: started through its public command on a fresh data folder, stopped at the end."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from bench.client import Connection

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60.0
STOP_SECONDS = 15.0

UNBOUNDED = {
    "POSTHOUSE_LIMITS_ENABLED": "false",  # one client stands for thousands
    "POSTHOUSE_QUOTA_MAX_TASKS": "1000000000",
    "POSTHOUSE_AUTH_ACCESS_TOKEN_SECONDS": "7200",  # a run of all contestants takes longer than a token lives
}


class House(NamedTuple):
    """A running house."""

    url: str
    data: Path
    pid: int
    startup_seconds: float  # what it says itself: from the making of the process to ready


class Person(NamedTuple):
    """Somebody with an account."""

    id: str
    token: str


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    """A folder for a house, removed at the end. Its own PostgreSQL may run as another user, who must reach it."""
    folder = Path(tempfile.mkdtemp(prefix="posthouse-bench-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def command(data: Path, port: str = "0") -> list[str]:
    """The public command that serves on this folder."""
    return [sys.executable, str(ROOT / "main.py"), "serve", "--port", port, "--data", str(data)]


@contextlib.contextmanager
def running(data: Path, environment: Mapping[str, str] | None = None) -> Iterator[House]:
    """Start a house, wait until it is ready, stop it with SIGTERM. Exits with its last words if it does not start."""
    with (data / "stdout").open("wb") as out, (data / "stderr").open("wb") as err:
        process = subprocess.Popen(
            command(data), stdout=out, stderr=err, env=os.environ | UNBOUNDED | dict(environment or {})
        )
    try:
        yield _ready(process, data)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(process: subprocess.Popen[bytes], data: Path) -> House:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        for line in (data / "stdout").read_bytes().splitlines():
            if b'"house_ready"' in line:
                said = json.loads(line)
                return House(said["url"], data, process.pid, said["startup_seconds"])
        time.sleep(0.01)
    words = (data / "stderr").read_text(errors="replace") or (data / "stdout").read_text(errors="replace")
    sys.exit(f"The house did not become ready.\n{words[-2000:]}")


def register(house: House) -> Person:
    """Make an account."""
    return asyncio.run(_register(house.url))


async def _register(url: str) -> Person:
    name = f"bench_{secrets.token_hex(6)}"
    body = {"username": name, "email": f"{name}@example.org", "password": secrets.token_urlsafe(16)}
    connection = await Connection.open(url)
    answer = await connection.json("POST", "/api/v1/users/register", body, expect=201)
    connection.close()
    return Person(answer["user"]["id"], answer["access_token"])


def make_task(house: House, person: Person) -> str:
    """Make one task and return its id."""

    async def make() -> str:
        connection = await Connection.open(house.url, person.token)
        answer = await connection.json("POST", "/api/v1/tasks", {"type": "noop", "params": {}}, expect=201)
        connection.close()
        return str(answer["id"])

    return asyncio.run(make())


def worker_key(house: House) -> str:
    """The key with scope ``worker`` that the house leaves in its data folder for commands on the same machine."""
    return str(json.loads((house.data / "operator.json").read_bytes())["api_key"])
