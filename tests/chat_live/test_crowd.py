"""Two hundred published clients in twenty chats, on lines that break while a hundred messages a second are sent.

``FAULTS=full`` sends for 20 s; ``FAULTS_SEED`` repeats a run.
"""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from random import Random

import pytest

from tests.chat_live.crowd import Seat, node_crowd, python_crowd
from tests.chat_live.desk import ChatDesk
from tests.chat_live.room import Room, furnish
from tests.realtime.proxy import Proxy
from tests.realtime.scenarios import until

ROOMS, PER_ROOM = 20, 10
RATE = 100.0
FLOW_SECONDS = 20.0 if os.environ.get("FAULTS") == "full" else 6.0
AWAY_SECONDS = 3.5
"""How long some lines stay broken: long enough for more than one recovery holds in a forgetful house."""

Crowd = Callable[[list[Seat]], AbstractAsyncContextManager[None]]


async def flow(rooms: list[Room], random: Random) -> None:
    """Send at the rate, whatever the answers take."""
    began, sending = time.monotonic(), set()
    for number in range(int(FLOW_SECONDS * RATE)):
        await asyncio.sleep(began + number / RATE - time.monotonic())
        room = random.choice(rooms)
        sending.add(asyncio.create_task(room.send(random.choice(room.people), f"message {number}")))
    await asyncio.gather(*sending)


async def break_lines(near: Proxy, far: Proxy, random: Random) -> None:
    """Cut some lines again and again and at last all; and the far ones once for long."""
    ends = time.monotonic() + 0.8 * FLOW_SECONDS
    await asyncio.sleep(0.5)
    far.shut(AWAY_SECONDS)
    while time.monotonic() < ends:
        near.cut_some(random, random.choice((0.02, 0.05, 0.2)))
        await asyncio.sleep(random.random())
    near.cut()


@pytest.mark.parametrize("crowd", [python_crowd, pytest.param(node_crowd, marks=pytest.mark.node)])
async def test_every_client_has_every_message_once_and_in_order(forgetful_desk: ChatDesk, crowd: Crowd) -> None:
    random = Random(seed := int(os.environ.get("FAULTS_SEED") or Random().randrange(10**6)))
    rooms = await furnish(forgetful_desk, ROOMS, PER_ROOM)
    witnesses = [witness for room in rooms for witness in room.witnesses]
    async with Proxy.to(forgetful_desk.socket_url) as near, Proxy.to(forgetful_desk.socket_url) as far:
        seats = [seat for room in rooms for seat in room.seats(near.url, first=far.url)]
        async with crowd(seats):
            await until(lambda: all(room.is_seated for room in rooms), 15)
            await asyncio.gather(flow(rooms, random), break_lines(near, far, random))
            with suppress(TimeoutError):  # then the judge says what is missing
                await until(lambda: all(room.is_quiet for room in rooms), 15)
            sent = sum(room.judge() for room in rooms)
    recoveries, reloads = sum(w.recoveries for w in witnesses), sum(w.reloads for w in witnesses)
    print(f"seed={seed} sent={sent} recoveries={recoveries} reloads={reloads}")  # noqa: T201
    assert sent == FLOW_SECONDS * RATE
    assert recoveries + reloads >= ROOMS * PER_ROOM
    assert min(recoveries, reloads) > 0
