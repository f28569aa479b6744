"""Clients that outlive their house: killed or asked to stop, it comes back on the same port and nothing is missed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from centrifuge import Client

from tests.realtime.scenarios import Seen, leave, until
from tests.realtime.wire import Wire
from tests.realtime_house.desk import Desk, Work, percent_of
from tests.running import Person

BEFORE, AFTER = range(1, 21), range(21, 41)


@asynccontextmanager
async def watching(desk: Desk, owner: Person, work: Work) -> AsyncIterator[tuple[Client, Seen]]:
    """A client that is subscribed to a task and comes back by itself."""
    seen = Seen()
    client = Client(desk.socket_url, events=seen, token=owner.token, min_reconnect_delay=0.05, max_reconnect_delay=0.3)
    await client.connect()
    subscription = client.new_subscription(work.channel, events=seen)
    await subscription.subscribe()
    await until(lambda: subscription.state.value == "subscribed")
    try:
        yield client, seen
    finally:
        await leave(client)


async def epoch_of(desk: Desk, person: Person) -> str:
    """The epoch that a subscription tells of."""
    wire = await Wire.open(desk.socket_url)
    hello = await wire.ask(connect={"token": person.token})
    await wire.close()
    epoch: str = hello["connect"]["subs"][f"user:{person.id}"]["epoch"]
    return epoch


async def recovered_since(desk: Desk, person: Person, work: Work, offset: int, epoch: str) -> list[int]:
    """What somebody recovers who was last there at an offset, before the house was restarted."""
    wire = await Wire.open(desk.socket_url)
    await wire.ask(connect={"token": person.token})
    wanted = {"channel": work.channel, "recover": True, "epoch": epoch, "offset": offset}
    answer = (await wire.ask(subscribe=wanted))["subscribe"]
    assert answer["recovered"]
    return [percent_of(publication["data"]) for publication in answer["publications"]]


def stay_on_this_port(desk: Desk) -> None:
    """Make the next start of the house listen where clients look for it."""
    desk.house.port = int(desk.house.url.rsplit(":", 1)[1])


async def test_after_kill_9_clients_come_back_and_have_missed_nothing(own_desk: Desk) -> None:
    desk = own_desk
    ada = await desk.person()
    work = await desk.task(ada)
    epoch = await epoch_of(desk, ada)
    stay_on_this_port(desk)
    async with watching(desk, ada, work) as (_, seen):
        for percent in BEFORE:
            await work.progress(percent)
        desk.house.kill()
        await desk.house.start()
        for percent in AFTER:
            await work.progress(percent)
        await until(lambda: len(seen.events) >= 40)
    assert [percent_of(event) for event in seen.events] == [*BEFORE, *AFTER]
    assert seen.offsets == list(range(seen.offsets[0], seen.offsets[0] + 40))
    assert (seen.connects, seen.recovered) == (2, [True])
    assert await epoch_of(desk, ada) == epoch
    assert await recovered_since(desk, ada, work, seen.offsets[4], epoch) == [*BEFORE, *AFTER][5:]
    assert desk.house.faults() == []


async def test_sigterm_sends_clients_away_over_some_seconds_and_they_come_back_whole(own_desk: Desk) -> None:
    desk = own_desk
    people = [await desk.person() for _ in range(4)]
    works = [await desk.task(person) for person in people]
    stay_on_this_port(desk)
    async with AsyncExitStack() as stack:
        pairs = [await stack.enter_async_context(watching(desk, *pair)) for pair in zip(people, works, strict=True)]
        wires = [await Wire.open(desk.socket_url) for _ in range(20)]
        for number, wire in enumerate(wires):
            await wire.ask(connect={"token": people[number % 4].token})
        for work in works:
            await work.progress(1)
        began = time.monotonic()
        ends = asyncio.gather(*(_end(wire) for wire in wires))
        stopped = await desk.house.stop()
        closed = await ends
        assert (stopped.code, {code for code, _ in closed}) == (0, {3001})
        moments = sorted(moment - began for _, moment in closed)
        assert moments[-1] - moments[0] > 1
        assert moments[-1] < 4
        await desk.house.start()
        for work in works:
            await work.progress(2)
        await until(lambda: all(len(seen.events) >= 2 for _, seen in pairs))
    for _, seen in pairs:
        assert [percent_of(event) for event in seen.events] == [1, 2]
        assert (seen.connects, seen.recovered) == (2, [True])
    assert desk.house.faults() == []


async def _end(wire: Wire) -> tuple[int, float]:
    return await wire.end(), time.monotonic()
