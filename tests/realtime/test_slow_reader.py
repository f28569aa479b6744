"""A client that does not read harms nobody, and misses nothing when it comes back."""

import asyncio
import socket
import time

from tests.realtime.conftest import RealtimeHouse, StartHouse
from tests.realtime.wire import Wire, transport_of
from tests.realtime.world import ALICE, TASK

MINE = f"task:{TASK}"
PAD = "x" * 4_000


def stop_reading(wire: Wire, buffer_bytes: int = 4_096) -> asyncio.Transport:
    """Leave everything in the socket's buffers, which are made small; 0 leaves them as they are."""
    transport = transport_of(wire)
    if buffer_bytes:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    transport.pause_reading()
    return transport


async def test_an_outbox_that_runs_over_ends_the_slow_connection_only(house: RealtimeHouse) -> None:
    slow, quick = await house.wire(), await house.wire()
    await slow.ask(subscribe={"channel": MINE})
    await quick.ask(subscribe={"channel": MINE})
    stop_reading(slow)
    worst = 0.0
    for number in range(3_000):
        house.publish(MINE, number=number, pad=PAD)
        if number % 20 == 0:
            began = time.perf_counter()
            await quick.ask(ping={})
            worst = max(worst, time.perf_counter() - began)
    offsets = await quick.offsets(3_000)
    assert offsets == list(range(1, 3_001))
    assert worst < 0.5
    async with asyncio.timeout(8):
        while house.realtime.statistics().connections > 1:
            await asyncio.sleep(0.05)
    assert house.realtime.statistics().slow_disconnects == 1


async def test_a_slow_reader_that_wakes_up_sees_the_code_and_resumes(house: RealtimeHouse) -> None:
    slow = await house.wire()
    await slow.ask(subscribe={"channel": MINE})
    transport = stop_reading(slow, 0)
    for number in range(3_000):
        house.publish(MINE, number=number, pad=PAD * 2)
        await asyncio.sleep(0)
    transport.resume_reading()
    assert await slow.end() == 3008
    seen = [line["push"]["pub"]["offset"] for line in slow.rest()]
    assert 0 < len(seen) < 3_000
    assert seen == list(range(1, len(seen) + 1))
    back = await house.wire()
    position = {"recover": True, "offset": 2_950, "epoch": "life-1"}
    reply = await back.ask(subscribe={"channel": MINE, **position})
    assert [publication["offset"] for publication in reply["subscribe"]["publications"]] == list(range(2_951, 3_001))


async def test_a_reader_that_takes_nothing_for_the_send_time_is_slow(start_house: StartHouse) -> None:
    house = await start_house(send_seconds=0.3, close_seconds=0.3)
    slow = await house.wire()
    await slow.ask(subscribe={"channel": MINE})
    stop_reading(slow)
    async with asyncio.timeout(10):
        while not house.realtime.statistics().slow_disconnects:
            house.publish(MINE, pad=PAD * 20)
            await asyncio.sleep(0.02)
    assert house.realtime.statistics().connections == 0


async def test_a_client_that_floods_commands_and_reads_nothing_is_held_back(start_house: StartHouse) -> None:
    house = await start_house(commands_per_second=100_000, commands_burst=100_000, send_seconds=0.5, close_seconds=0.3)
    for number in range(100):
        house.publish(MINE, number=number, pad=PAD)
    flood = await house.wire(ALICE)
    stop_reading(flood)
    for number in range(300):
        await flood.send({"id": number + 10, "history": {"channel": MINE, "limit": 100}})
    async with asyncio.timeout(10):
        while house.realtime.statistics().connections:
            await asyncio.sleep(0.05)
    assert house.events.reads < 50
