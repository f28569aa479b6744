"""SIGTERM while people write and listen: nothing is cut off, and all is over within 10 s. A second signal: at once."""

import asyncio
import os
import signal
import time
from pathlib import Path
from random import Random

import aiohttp
import pytest
from centrifuge import Client, ClientEventHandler, ConnectingContext

from tests.faults.history import Clients, judge
from tests.running import RunningHouse

SOCKETS = 24
STOP_SECONDS = 10.0
SPREAD_SECONDS = 3.0


class Hearing(ClientEventHandler):  # type: ignore[misc]  # the published client has no types
    """Why the published client lost its connection; it would come back by itself."""

    def __init__(self) -> None:
        self.codes: list[int] = []

    async def on_connecting(self, ctx: ConnectingContext) -> None:
        self.codes.append(ctx.code)


async def listen(house: RunningHouse, client: aiohttp.ClientSession, token: str) -> tuple[int | None, float]:
    """Hold a socket until the house closes it; returns the code and the moment."""
    async with client.ws_connect(f"{house.url}/connection/websocket") as socket:
        await socket.send_json({"id": 1, "connect": {"token": token}})
        assert "connect" in await socket.receive_json()
        while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            if message.data == "{}":
                await socket.send_str("{}")
        return socket.close_code, time.monotonic()


async def connected(house: RunningHouse, token: str, hearing: Hearing) -> Client:
    """The published client, unmodified."""
    url = f"{house.url.replace('http', 'ws', 1)}/connection/websocket"
    published = Client(url, token=token, events=hearing)
    await published.connect()
    await published.ready(timeout=5)
    hearing.codes.clear()
    return published


async def wait_for_work(house: RunningHouse, client: aiohttp.ClientSession) -> None:
    """A worker's long poll, which would last for 30 s."""
    poll = {"types": ["nothing"], "wait_seconds": 30}
    async with client.post(f"{house.url}/api/v1/tasks/lease", json=poll, headers=house.admin) as answer:
        await answer.read()


def lives(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


async def test_sigterm_finishes_what_has_begun_and_ends_within_10_s(
    house: RunningHouse, client: aiohttp.ClientSession
) -> None:
    clients, hearing = Clients(house, client, Random(1)), Hearing()
    await clients.settle_in(4)
    people = clients.people
    sockets = [asyncio.create_task(listen(house, client, people[i % 4].token)) for i in range(SOCKETS)]
    published = await connected(house, people[0].token, hearing)
    lease = asyncio.create_task(wait_for_work(house, client))
    writing = asyncio.create_task(clients.write(16))
    await asyncio.sleep(0.7)
    async with aiohttp.ClientSession() as kept:
        async with kept.get(f"{house.url}/ready") as answer:
            assert answer.status == 200
        began = time.monotonic()
        stopping = asyncio.create_task(house.stop())
        await asyncio.sleep(0.1)
        async with kept.get(f"{house.url}/ready") as answer:
            assert answer.status == 503
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))
    stopped = await stopping
    await writing
    await asyncio.gather(lease, return_exceptions=True)
    await published.disconnect()
    ends = await asyncio.gather(*sockets)
    moments = [moment - began for _, moment in ends]
    print(  # noqa: T201
        f"stopped={stopped.seconds:.2f} s sockets from {min(moments):.2f} to {max(moments):.2f} s "
        f"acknowledged={len(clients.history.acknowledged)} unknown={len(clients.history.unknown)}"
    )
    assert {code for code, _ in ends} == {3001}
    assert hearing.codes[0] == 3001
    assert SPREAD_SECONDS * 0.5 < max(moments) - min(moments) <= SPREAD_SECONDS + 0.5
    assert stopped.code == 0 and stopped.seconds < STOP_SECONDS
    assert house.faults() == []

    await house.start()
    await clients.repeat_unknown()
    await judge(house, clients.history)


async def test_a_second_signal_ends_it_at_once(house: RunningHouse, client: aiohttp.ClientSession) -> None:
    clients = Clients(house, client, Random(2))
    await clients.settle_in(4)
    token, server = clients.people[0].token, house.postmaster
    sockets = [asyncio.create_task(listen(house, client, token)) for _ in range(6)]
    writing = asyncio.create_task(clients.write(16))
    await asyncio.sleep(0.5)
    stopping = asyncio.create_task(house.stop())
    await asyncio.sleep(0.3)
    again = time.monotonic()
    os.kill(house.process.pid, signal.SIGTERM)
    stopped = await stopping
    assert time.monotonic() - again < 1.0
    assert stopped.code != 0
    await asyncio.gather(writing, *sockets, return_exceptions=True)
    while lives(server):
        assert time.monotonic() < again + 8, "PostgreSQL stays without its house"
        await asyncio.sleep(0.05)

    await house.start()
    await clients.repeat_unknown()
    await judge(house, clients.history)
