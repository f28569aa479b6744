"""Messages to one chat overlap; whatever else a client says waits for what it has said before."""

import asyncio
from typing import Any

from tests.realtime.conftest import RealtimeHouse, StartHouse
from tests.realtime.test_slow_reader import PAD, stop_reading
from tests.realtime.wire import transport_of
from tests.realtime.world import ALICE, CHAT, TASK

OTHER_CHAT = "00000000-0000-7000-8000-000000000009"


def said(number: int, content: str, chat: str = CHAT) -> dict[str, Any]:
    """The command that sends a message."""
    return {"id": number, "publish": {"channel": f"chat:{chat}", "data": {"content": content}}}


def contents(house: RealtimeHouse) -> list[str]:
    """What has been sent so far."""
    return [message["content"] for _, _, message in house.operations.sent]


async def until_sent(house: RealtimeHouse, count: int) -> None:
    """Wait until so many messages were sent."""
    async with asyncio.timeout(5):
        while len(house.operations.sent) < count:
            await asyncio.sleep(0.001)


async def test_messages_to_one_chat_do_not_wait_for_each_other_and_are_answered_in_order(house: RealtimeHouse) -> None:
    gate = house.operations.gates["slow"] = asyncio.Event()
    wire = await house.wire()
    await wire.send(said(11, "slow"), said(12, "quick"), said(13, "nonsense"))
    await wire.send(said(14, "quick, too"))
    await until_sent(house, 2)
    assert contents(house) == ["quick", "quick, too"]
    gate.set()
    answers = [await wire.line() for _ in range(4)]
    assert [answer["id"] for answer in answers] == [11, 12, 13, 14]
    assert [answer["error"]["code"] for answer in answers if "error" in answer] == [1409]


async def test_a_refusal_waits_for_the_answers_before_it(house: RealtimeHouse) -> None:
    gate = house.operations.gates["slow"] = asyncio.Event()
    wire = await house.wire()
    await wire.send(said(11, "slow"), {"id": 12, "publish": {"channel": "chat:1", "data": {}}}, said(13, "quick"))
    await until_sent(house, 1)
    gate.set()
    answers = [await wire.line() for _ in range(3)]
    assert [answer["id"] for answer in answers] == [11, 12, 13]
    assert answers[1]["error"]["code"] == 102


async def test_any_other_command_waits_for_those_before_it(house: RealtimeHouse) -> None:
    others: list[dict[str, Any]] = [
        said(12, "elsewhere", OTHER_CHAT),
        {"id": 12, "rpc": {"method": "task.get", "data": {"task_id": TASK}}},
        {"id": 12, "subscribe": {"channel": f"task:{TASK}"}},
        {"id": 12, "ping": {}},
    ]
    wire = await house.wire()
    for other in others:
        house.operations.sent.clear()
        gate = house.operations.gates["slow"] = asyncio.Event()
        await wire.send(said(11, "slow"), other, said(13, "last"))
        await asyncio.sleep(0.02)
        assert contents(house) == []
        assert not wire.rest()
        gate.set()
        assert [(await wire.line())["id"] for _ in range(3)] == [11, 12, 13]
        assert contents(house)[0] == "slow"
        assert contents(house)[-1] == "last"


async def test_sixteen_are_under_way_at_most(house: RealtimeHouse) -> None:
    gate = house.operations.gates["slow"] = asyncio.Event()
    wire = await house.wire()
    await wire.send(said(100, "slow"), *(said(101 + number, str(number)) for number in range(40)))
    await until_sent(house, 15)
    await asyncio.sleep(0.02)
    assert contents(house) == [str(number) for number in range(15)]
    gate.set()
    assert [(await wire.line())["id"] for _ in range(41)] == list(range(100, 141))
    assert contents(house) == [*map(str, range(15)), "slow", *map(str, range(15, 40))]


async def test_what_has_arrived_is_carried_out_though_its_client_is_gone(house: RealtimeHouse) -> None:
    gate = house.operations.gates["slow"] = asyncio.Event()
    wire = await house.wire()
    await wire.send(said(11, "slow"), said(12, "quick"), {"id": 13, "ping": {}}, said(14, "last"))
    await until_sent(house, 1)
    transport_of(wire).abort()
    await asyncio.sleep(0.02)
    gate.set()
    async with asyncio.timeout(5):
        while house.realtime.statistics().connections:
            await asyncio.sleep(0.001)
    assert contents(house) == ["quick", "slow", "last"]


async def test_answers_that_nobody_takes_wait_outside_the_outbox(start_house: StartHouse) -> None:
    house = await start_house(outbox_bytes=100_000, outbox_publications=20, close_seconds=0.3)
    gate = house.operations.gates["slow"] = asyncio.Event()
    wire = await house.wire(ALICE)
    await wire.ask(subscribe={"channel": f"task:{TASK}"})
    await wire.send(*(said(number, "slow") for number in range(11, 27)))
    transport = stop_reading(wire, 0)
    pads = 0
    while not any(connection.is_behind for connection in house.realtime.registry._all):
        house.publish(f"task:{TASK}", pad=PAD * 5)
        pads += 1  # of 20 KB
        await asyncio.sleep(0.001)
    for number in range(15):  # the outbox has room for a few more lines
        house.publish(f"task:{TASK}", number=number)
    gate.set()
    await until_sent(house, 16)
    await asyncio.sleep(0.02)
    transport.resume_reading()
    lines = [await wire.line() for _ in range(pads + 15 + 16)]
    assert [line["id"] for line in lines if "id" in line] == list(range(11, 27))
