"""Bad days of a house full of chats: kill -9, readers that stand still, rooms that crash, clocks that are wrong."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from uuid import uuid4

import aiohttp
import pytest

from tests.chat_live.crowd import python_crowd
from tests.chat_live.desk import ChatDesk
from tests.chat_live.room import Room, furnish
from tests.chat_live.witness import Said
from tests.realtime.scenarios import until
from tests.realtime.test_slow_reader import stop_reading
from tests.realtime_house.test_restart import stay_on_this_port
from tests.running import Person

LONG = "\N{POSTAL HORN}" * 4_000  # 16 KB
WRITERS = 8  # in each chat
KILL_AFTER = 100


async def test_a_reader_that_stands_still_harms_nobody_and_can_go_on(desk: ChatDesk) -> None:
    ada, bob, cyd = await desk.people(3)
    chat = await desk.group(ada, bob, cyd)
    slow, quick = await desk.wire(bob), await desk.wire(cyd)
    stood = await chat.listen(slow)
    await chat.listen(quick)
    transport = stop_reading(slow, 262_144)
    worst, sent = 0.0, 0
    while sent < 400:
        began = time.monotonic()
        said = await asyncio.gather(*(chat.send(ada, LONG) for _ in range(10)))
        sent += len(said)
        heard = await chat.heard(quick, len(said))
        worst = max(worst, time.monotonic() - began)
        assert [publication["data"]["message"]["seq"] for publication in heard] == [sent - 9 + n for n in range(10)]
    assert worst < 2
    transport.resume_reading()
    assert await slow.end() == 3008
    offsets = [push["pub"]["offset"] for push in chat.rest(slow)]
    assert offsets == list(range(stood["offset"] + 1, stood["offset"] + 1 + len(offsets)))
    assert len(offsets) < sent

    last = await chat.everything(bob)
    back = await desk.wire(bob)
    position = {"recover": True, "epoch": stood["epoch"]}
    far = await chat.listen(back, **position, offset=stood["offset"] + len(offsets))
    assert (far["was_recovering"], far["recovered"], far["publications"]) == (True, False, [])
    assert [message["seq"] for message in last] == list(range(1, sent + 1))
    again = await desk.wire(bob)
    near = await chat.listen(again, **position, offset=stood["offset"] + sent - 20)
    assert near["recovered"]
    assert [p["data"]["message"]["seq"] for p in near["publications"]] == list(range(sent - 19, sent + 1))


async def write(room: Room, person: Person, enough: asyncio.Event) -> None:
    """Send one message after the other, each again and again under its own name until it is acknowledged."""
    while not enough.is_set():
        name, sent = uuid4().hex, False
        while not sent:
            try:
                await room.send(person, name, client_id=name)
                sent = True
            except (aiohttp.ClientError, TimeoutError, AssertionError):  # the last: 503 while it starts
                await asyncio.sleep(0.05)


@asynccontextmanager
async def writing(rooms: list[Room]) -> AsyncIterator[None]:
    """Let most people write until the block ends, and all is acknowledged."""
    enough = asyncio.Event()
    work = asyncio.gather(*(write(room, person, enough) for room in rooms for person in room.people[:WRITERS]))
    try:
        yield
    finally:
        enough.set()
        await work


async def killed_while_writing(desk: ChatDesk, rooms: list[Room]) -> None:
    """Kill the house after some more messages, and start it again."""
    until_sent = sum(len(room.sent) for room in rooms) + KILL_AFTER
    await until(lambda: sum(len(room.sent) for room in rooms) > until_sent, 30)
    desk.house.kill()
    await desk.house.start()


async def test_kill_9_in_the_middle_of_it_loses_and_doubles_nothing(own_desk: ChatDesk) -> None:
    desk = own_desk
    rooms = await furnish(desk, 2, 10)
    stay_on_this_port(desk)
    async with python_crowd([seat for room in rooms for seat in room.seats(desk.socket_url)]):
        await until(lambda: all(room.is_seated for room in rooms))
        async with writing(rooms):
            for _ in range(2):
                await killed_while_writing(desk, rooms)
            await until(lambda: all(witness.recoveries for room in rooms for witness in room.witnesses), 30)
        with suppress(TimeoutError):  # then the judge says what is missing
            await until(lambda: all(room.is_quiet for room in rooms), 15)
        for room in rooms:
            room.judge()
            everything = await room.chat.everything(room.people[0])
            assert [Said(message["seq"], message["id"]) for message in everything] == sorted(room.sent)
            assert len({message["content"] for message in everything}) == len(everything)
    assert desk.house.faults() == []
    assert await asyncio.to_thread(desk.house.verify) == ""


async def test_who_is_removed_while_they_send_is_out_from_one_message_to_the_next(desk: ChatDesk) -> None:
    ada, bob = await desk.people(2)
    chat = await desk.group(ada, bob)
    ears, here = await desk.wire(bob), await desk.wire(ada)
    await chat.listen(ears)
    await chat.listen(here)
    answers: list[tuple[float, int]] = []

    async def send_on() -> None:
        while len([status for _, status in answers if status == 404]) < 5:
            began = time.monotonic()
            url = f"{desk.house.url}/api/v1{chat.path}/messages"
            async with desk.client.post(url, json={"content": "still here"}, headers=bob.headers) as answer:
                answers.append((began, answer.status))

    sending = asyncio.gather(*(send_on() for _ in range(4)))
    await asyncio.sleep(0.3)
    await chat.remove(ada, bob)
    removed_at = time.monotonic()
    await sending
    assert {status for _, status in answers} == {201, 404}
    assert {status for began, status in answers if began > removed_at} == {404}
    accepted = [status for _, status in answers].count(201)

    await chat.send(ada, "alone")
    everything = await chat.everything(ada)
    assert [message["sender_id"] == bob.id for message in everything] == [True] * accepted + [False] * 2
    assert await chat.is_silent(here) is False
    told = chat.rest(ears) if not await chat.is_silent(ears) else []
    assert [push["pub"]["data"]["message"]["content"] for push in told[:-1]] == ["still here"] * accepted
    assert told[-1]["unsubscribe"]["code"] == 2000


async def test_a_room_that_crashes_comes_back_by_itself_and_no_other_notices(own_desk: ChatDesk) -> None:
    desk = own_desk
    ada, bob = await desk.people(2)
    broken, sound = await desk.group(ada, bob), await desk.group(ada, bob)
    listener = await desk.wire(bob)
    await broken.listen(listener)
    await broken.send(ada, "before")
    poison = (
        "insert into chat_message (id, chat_id, seq, sender_id, kind, content, mentions, created_at, words)"
        " values ($1::text::uuid, $2::text::uuid, 2, $3::text::uuid, 'text', '', '[]', now(), '')"
    )
    await desk.house.sql(poison, name := str(uuid4()), broken.id, ada.id)  # where the room wants to put the next one
    path = f"{broken.path}/messages"
    for _ in range(2):
        status, _said = await desk.status("POST", path, ada.headers, {"content": "in vain"})
        assert status == 500
        assert (await sound.send(bob, "meanwhile")).seq > 0
    await desk.house.sql("delete from chat_message where id = $1::text::uuid", name)
    async with asyncio.timeout(10):
        after = await broken.send(ada, "after")
    assert after.seq == 2
    heard = await broken.heard(listener, 2)
    assert [publication["data"]["message"]["content"] for publication in heard] == ["before", "after"]
    assert [message["content"] for message in await sound.everything(ada)] == ["meanwhile"] * 2
    assert desk.house.faults()  # it said so


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_is_wrong_reorders_nothing(own_desk: ChatDesk, hours: int) -> None:
    desk = own_desk
    ada, bob = await desk.people(2)
    chat = await desk.group(ada, bob)
    for number in range(3):
        await chat.send(ada, f"{number}")
    ahead = "update {0} set {1} = {1} + make_interval(hours => $1) where {2} = $2::text::uuid"
    await desk.house.sql(ahead.format("chat", "active_at", "id"), hours, chat.id)  # as a house with a wrong clock does
    await desk.house.sql(ahead.format("chat_message", "created_at", "chat_id"), hours, chat.id)
    await desk.house.stop()
    await desk.house.start()
    for number in range(3, 6):
        await chat.send(bob, f"{number}")
    everything = await chat.everything(ada)
    assert [(message["seq"], message["content"]) for message in everything] == [(n + 1, f"{n}") for n in range(6)]
    moments = [message["created_at"] for message in everything]
    assert all(before <= after for before, after in pairwise(moments))
    assert (await desk.call("GET", chat.path, ada.headers))["last_message"]["seq"] == 6
