"""How throughput grows with houses on this machine, and what each request costs whom: the input of docs/scale.md.

Clusters of 1, 2 and 3 houses behind their front, started through the public command. 64 connections of as many people,
and then 64 for each house, spread over the houses: first each makes tasks (the work stays in the house that is asked),
then all write into 10 rooms of 20 (a room lives in one house: of three messages two cross Redis), then each reads their
own account. Commits say how many requests share a transaction: those that wait in one house at the same time do.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import asyncpg
import psutil

from app.cli.operator import read_operator
from bench.client import Connection
from bench.crowd import CROWDED, gather, open_room
from bench.house import READY_SECONDS, ROOT, UNBOUNDED, House, Person, data_folder

CALLERS = 64
ROOMS, MEMBERS = 10, 20
PART_OF = {"postgres": "database", "redis-server": "redis"}

Work = Callable[[Connection, int], Awaitable[object]]


class Growth(NamedTuple):
    """One kind of work on so many houses; processor time in microseconds per request."""

    houses: int
    callers: int
    work: str
    rate: float
    commits: float  # per request
    house_us: float
    database_us: float
    redis_us: float
    front_us: float


@contextlib.contextmanager
def cluster(data: Path, houses: int) -> Iterator[House]:
    """Start a cluster, and stop it in order. Exits with its last words when it does not become ready."""
    command = [sys.executable, str(ROOT / "main.py"), "cluster", "-n", str(houses), "--port", "0", "--data", str(data)]
    said = data / "stdout"
    with said.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | UNBOUNDED | CROWDED)
    try:
        yield _ready(process, said, data)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _ready(process: "subprocess.Popen[bytes]", said: Path, data: Path) -> House:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        for line in said.read_bytes().splitlines():
            if b'"cluster_ready"' in line:
                ready = json.loads(line)
                return House(ready["url"], data, process.pid, ready["startup_seconds"])
        time.sleep(0.05)
    sys.exit(f"The cluster did not become ready.\n{said.read_text(errors='replace')[-2000:]}")


def processor_seconds(pid: int) -> dict[str, float]:
    """What every part of a cluster has used so far."""
    used: dict[str, float] = defaultdict(float)
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            part = PART_OF.get(process.name(), "front" if process.pid == pid else "house")
            used[part] += times.user + times.system
    return used


async def works(url: str) -> tuple[list[Person], dict[str, Work]]:
    """Make people and rooms, and say what is to be done with them."""
    people = await gather(url, ROOMS * MEMBERS)
    rooms = [await open_room(url, people[k * MEMBERS : (k + 1) * MEMBERS]) for k in range(ROOMS)]
    task, message = b'{"type":"noop","params":{}}', b'{"content":"the mill is done, and the engine runs"}'

    async def tasks(connection: Connection, _: int) -> object:
        return await connection.call("POST", "/api/v1/tasks", task, expect=201)

    async def messages(connection: Connection, who: int) -> object:
        return await connection.call("POST", f"/api/v1/chats/{rooms[who // MEMBERS]}/messages", message, expect=201)

    async def reads(connection: Connection, _: int) -> object:
        return await connection.call("GET", "/api/v1/users/me")

    return people, {"POST task": tasks, "POST message": messages, "GET user": reads}


async def commits(house: House) -> int:
    """How many transactions its PostgreSQL has committed so far, in all databases."""
    operator = read_operator(house.data)
    assert operator is not None
    connection = await asyncpg.connect(operator.dsn)
    try:
        return int(await connection.fetchval("select sum(xact_commit) from pg_stat_database"))
    finally:
        await connection.close()


async def measure(house: House, houses: int, seconds: float) -> list[Growth]:
    """Do each kind of work for so long, with so many callers."""
    people, wanted = await works(house.url)
    await asyncio.sleep(4.0 + 1.0 * 256 / 26)  # partitions move for some seconds after houses have come
    found = []
    for count in sorted({CALLERS, CALLERS * houses}):
        who = [number * len(people) // count for number in range(count)]
        callers = [(await Connection.open(house.url, people[number].token), number) for number in who]
        for name, work in wanted.items():
            found.append(await _load(house, houses, name, work, callers, seconds))
        for connection, _ in callers:
            connection.close()
    return found


async def _load(
    house: House, houses: int, name: str, work: Work, callers: list[tuple[Connection, int]], seconds: float
) -> Growth:
    count, ends_at = 0, time.monotonic() + seconds

    async def call(connection: Connection, number: int) -> None:
        nonlocal count
        while time.monotonic() < ends_at:
            await work(connection, number)
            count += 1

    committed, before, began = await commits(house), processor_seconds(house.pid), time.monotonic()
    await asyncio.gather(*(call(*caller) for caller in callers))
    took, used = time.monotonic() - began, processor_seconds(house.pid)
    share = (await commits(house) - committed) / count
    cost = ((used[part] - before[part]) / count * 1e6 for part in ("house", "database", "redis", "front"))
    return Growth(houses, len(callers), name, count / took, share, *cost)


def grow(seconds: float, most: int = 3) -> list[Growth]:
    """Measure clusters of 1, 2 ... houses, one after the other."""
    found: list[Growth] = []
    for houses in range(1, most + 1):
        with data_folder() as data, cluster(data, houses) as house:
            found += asyncio.run(measure(house, houses, seconds))
    return found
