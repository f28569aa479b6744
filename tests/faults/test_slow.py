"""Clients that drip, stall or vanish: each is cut off in time, and the others notice nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.running import Person, RunningHouse, running_house

CONNECTIONS = 100
LIMIT_SECONDS = 2.0
REST_SECONDS = 10.0  # to do what vanished clients had asked for, on a busy machine
GRACE_SECONDS = 4.0  # a refused body is read for 2 s more, so that the client sees the answer
SETTINGS = {
    "POSTHOUSE_HTTP_BODY_TIMEOUT_SECONDS": str(LIMIT_SECONDS),
    "POSTHOUSE_HTTP_KEEPALIVE_SECONDS": str(LIMIT_SECONDS),
    "POSTHOUSE_REALTIME_CONNECT_SECONDS": str(LIMIT_SECONDS),
    "POSTHOUSE_REALTIME_CLOSE_SECONDS": "1",
}
HEAD = "POST /api/v1/tasks HTTP/1.1\r\nHost: house\r\nX-Drip: "
BODY = "POST /api/v1/tasks HTTP/1.1\r\nHost: house\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
SOCKET = (
    "GET /connection/websocket HTTP/1.1\r\nHost: house\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture
async def quick(data_folder: Path) -> AsyncIterator[RunningHouse]:
    """A house with short limits."""
    async with running_house(data_folder, SETTINGS) as house:
        yield house


def files(house: RunningHouse) -> int:
    """How many files and sockets it holds."""
    return len(list(Path(f"/proc/{house.process.pid}/fd").iterdir()))


async def drip(house: RunningHouse, head: str, drop: bytes) -> tuple[float, bytes]:
    """Send a head and then a drop every 0.2 s; returns the seconds until the house cut it off, and its answer."""
    parts, began = urlsplit(house.url), time.monotonic()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(head.encode())
    reading = asyncio.create_task(reader.read())
    try:
        while not reading.done():
            writer.write(drop)
            await asyncio.wait([reading], timeout=0.2)
            assert time.monotonic() < began + 15, "it was never cut off"
        return time.monotonic() - began, reading.result() if reading.exception() is None else b""
    finally:
        reading.cancel()
        writer.transport.abort()


@contextmanager
def others(house: RunningHouse, person: Person, client: aiohttp.ClientSession) -> Iterator[list[float]]:
    """Somebody who writes and reads all the while; yields the seconds of each request."""
    seconds: list[float] = []

    async def go_on() -> None:
        while True:
            began = time.monotonic()
            task = {"type": "a", "params": {}}
            async with client.post(f"{house.url}/api/v1/tasks", json=task, headers=person.headers) as answer:
                assert answer.status == 201
            seconds.append(time.monotonic() - began)
            await asyncio.sleep(0.01)

    going = asyncio.create_task(go_on())
    try:
        yield seconds
        assert not going.done()
    finally:
        going.cancel()


async def test_who_drips_is_cut_off_and_nobody_else_notices(quick: RunningHouse, client: aiohttp.ClientSession) -> None:
    person = await quick.register(client)
    await asyncio.sleep(0.3)
    before = files(quick)
    ways = {  # what is sent, and what may be answered
        "a dripping head": (HEAD, b"x", {b"400", b""}),
        "a dripping body": (f"{BODY}Authorization: Bearer {person.token}\r\n\r\n", b" ", {b"408"}),
        "a socket that never says who it is": (SOCKET, b"", {b"101"}),
    }
    with others(quick, person, client) as seconds:
        dripping = [drip(quick, head, drop) for head, drop, _ in ways.values() for _ in range(CONNECTIONS)]
        ends = await asyncio.gather(*dripping)
    for number, (way, (_, _, answers)) in enumerate(ways.items()):
        cut = ends[number * CONNECTIONS : (number + 1) * CONNECTIONS]
        print(f"{way}: cut off after {max(cut)[0]:.2f} s")  # noqa: T201
        assert min(cut)[0] > LIMIT_SECONDS * 0.8, way
        assert max(cut)[0] < LIMIT_SECONDS + GRACE_SECONDS, way
        assert {said[9:12] for _, said in cut} <= answers, way
    print(f"slowest other request {max(seconds):.3f} s")  # noqa: T201
    assert len(seconds) > 50 and sorted(seconds)[int(len(seconds) * 0.95)] < 0.5
    await asyncio.sleep(0.5)
    assert files(quick) <= before + 8
    assert quick.faults() == []


async def left_behind(house: RunningHouse, client: aiohttp.ClientSession, files_before: int) -> dict[str, object]:
    """What a house holds that it would not hold at rest."""
    left: dict[str, object] = {}
    if files(house) > files_before + 20:  # the pool of connections may have grown
        left["files"] = files(house)
    async with client.get(f"{house.url}/api/system/actors", headers=house.admin) as answer:
        left |= {kind["kind"]: kind["depth"] for kind in (await answer.json())["items"] if kind["depth"]}
    async with client.get(f"{house.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    pool = [line for line in lines if line.startswith(("postgres_pool_size", "postgres_pool_idle"))]
    if len({line.rpartition(" ")[2] for line in pool}) != 1:  # as many connections idle as there are
        left["pool"] = pool
    return left


async def test_clients_that_vanish_leave_nothing_behind(house: RunningHouse, client: aiohttp.ClientSession) -> None:
    """What was asked for is done although nobody waits for it, which takes a moment; then mail, files, and the pool
    are as they were. What stays is found, since it stays: a connection that waits for more would live for 15 s.
    """
    person, random = await house.register(client), Random(3)
    paths = ["/api/v1/tasks", "/api/v1/users/me", "/api/v1/notifications", "/api/v1/auth/sessions"]

    async def vanish(number: int) -> None:
        parts = urlsplit(house.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        auth = f"Host: h\r\nAuthorization: Bearer {person.token}\r\n"
        body = '{"type":"a","params":{}}'
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
        post = f"POST /api/v1/tasks HTTP/1.1\r\n{auth}{kind}\r\n\r\n"
        get = f"GET {paths[number % 4]} HTTP/1.1\r\n{auth}\r\n"
        writer.write((post + body if number % 2 else get).encode())
        await asyncio.sleep(random.random() * 0.03)
        writer.transport.abort()
        del reader

    before = files(house)
    for _ in range(10):
        await asyncio.gather(*(vanish(number) for number in range(100)))
    over_at = time.monotonic() + REST_SECONDS
    while left := await left_behind(house, client, before):
        assert time.monotonic() < over_at, left
        await asyncio.sleep(0.05)
    assert house.faults() == []
