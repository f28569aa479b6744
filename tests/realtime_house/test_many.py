"""Many tasks, many subscriptions, many sockets at once in a running house."""

import asyncio
from itertools import pairwise
from typing import Any

from tests.realtime.wire import Wire, transport_of
from tests.realtime_house.desk import Desk, Work
from tests.running import Person

TASKS, SOCKETS_PER_TASK, STEPS = 50, 4, 20
OWNERS = 25
CLIENTS = 1_000


async def test_fifty_tasks_at_once_reach_two_hundred_subscriptions_without_a_gap(desk: Desk) -> None:
    owners = [await desk.person() for _ in range(OWNERS)]
    works = [(owner, await desk.task(owner)) for owner in owners for _ in range(TASKS // OWNERS)]
    wires = await asyncio.gather(*(_listen(desk, *pair) for pair in works for _ in range(SOCKETS_PER_TASK)))
    readers = asyncio.gather(*(_read(wire, STEPS + 1) for wire in wires))
    await asyncio.gather(*(_carry_out(work) for _, work in works))
    for publications in await readers:
        offsets = [publication["offset"] for publication in publications]
        assert all(after == before + 1 for before, after in pairwise(offsets))
        assert [p["data"]["progress"]["percent"] for p in publications[:-1]] == list(range(1, STEPS + 1))
        assert publications[-1]["data"]["type"] == "task.completed"


async def test_a_thousand_clients_that_were_cut_off_at_once_all_come_back(desk: Desk) -> None:
    people = [await desk.person() for _ in range(CLIENTS // 10)]  # one by one: hashes take their time
    work = await desk.task(people[0])
    tokens = [person.token for person in people for _ in range(10)]
    first = await asyncio.gather(*(_connect(desk, token) for token in tokens))
    for wire in first:
        transport_of(wire).abort()  # as a line that breaks: no close frame
    second = await asyncio.gather(*(_connect(desk, token) for token in tokens))
    assert all("connect" in wire.hello for wire in second)
    assert [(await wire.ask(ping={}))["id"] for wire in second] == [2] * CLIENTS
    assert (await desk.call("GET", f"/tasks/{work.id}", people[0].headers))["status"] == "running"


async def _connect(desk: Desk, token: str) -> Wire:
    wire = await Wire.open(desk.socket_url)
    wire.hello = await wire.ask(connect={"token": token})
    return wire


async def _listen(desk: Desk, owner: Person, work: Work) -> Wire:
    wire = await _connect(desk, owner.token)
    assert "subscribe" in await wire.ask(subscribe={"channel": work.channel})
    return wire


async def _read(wire: Wire, count: int) -> list[dict[str, Any]]:
    """The next publications of the task, without those of the person's own channel."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        push = await wire.push()
        if push["channel"].startswith("task:"):
            found.append(push["pub"])
    return found


async def _carry_out(work: Work) -> None:
    for percent in range(1, STEPS + 1):
        await work.progress(percent)
    await work.complete()
