"""Read marks: forward only, at most to the newest message, told of live when they move."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from actors.errors import NotFound
from actors.messages.chat import ReadChat
from actors.runtime.ids import uuid7
from storage import queries
from storage.postgres import Connection, connect
from tests.chat.served import ChatHouse

MARK = queries.load("chat_view").mark_read


async def mark_of(house: ChatHouse, who: str, chat_id: str) -> int:
    seq: int = (await house.get(who, f"/chats/{chat_id}"))["read_seq"]
    return seq


async def test_a_mark_goes_forward_and_never_back(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    await house.pour("ada", chat_id, 9)
    for seq, mark in ((3, 3), (2, 3), (0, 3), (3, 3), (7, 7), (4, 7)):
        await house.read("ben", chat_id, seq)
        assert await mark_of(house, "ben", chat_id) == mark
    assert await mark_of(house, "ada", chat_id) == 0
    members = (await house.get("ada", f"/chats/{chat_id}/members"))["items"]
    assert {member["username"]: member["read_seq"] for member in members} == {"ada": 0, "Ben": 7}


async def test_a_mark_goes_no_further_than_the_newest_message(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    await house.pour("ada", chat_id, 2)
    await house.read("ben", chat_id, 2**53)
    assert await mark_of(house, "ben", chat_id) == 2
    await house.say("ada", chat_id, "unread")
    assert (await house.get("ben", f"/chats/{chat_id}"))["unread_count"] == 1


async def test_the_others_are_told_live_and_only_when_it_has_moved(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    await house.pour("ada", chat_id, 5)
    for seq in (2, 1, 2, 99, 99):
        await house.read("ben", chat_id, seq)
    told = house.live("chat.read")
    assert [(stream, body["user_id"], body["seq"]) for stream, body in told] == [
        (f"chat:{chat_id}", house.people["ben"].id, seq) for seq in (2, 5)
    ]
    assert told[0][1]["type"] == "chat.read" and told[0][1]["at"].endswith("Z")
    assert await house.sql("select from event where type = 'chat.read'") == []


async def test_a_stranger_marks_nothing(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben")
    await house.say("ada", chat_id, "hello")
    for who in ("cyd", "root"):
        assert (await house.read(who, chat_id, 1, expect=404))["code"] == "not_found"
    assert (await house.read("ada", uuid7(), 1, expect=404))["code"] == "not_found"
    await house.call("ben", "DELETE", f"/chats/{chat_id}/members/me", expect=204)
    await house.read("ben", chat_id, 1, expect=404)
    assert house.live("chat.read") == []


async def test_a_mark_is_a_number(house: ChatHouse) -> None:
    chat_id = await house.group("ada")
    for wrong in ({}, {"seq": -1}, {"seq": "1"}, {"seq": 1.5}, {"seq": 2**53 + 1}, {"seq": None}):
        problem = await house.call("ada", "PUT", f"/chats/{chat_id}/read", wrong, expect=400)
        assert (problem["code"], problem["errors"][0]["path"]) == ("invalid_request", "$.seq")


async def test_a_hundred_marks_at_once_never_go_back(house: ChatHouse) -> None:
    chat_id = await house.group("ada", "ben", "cyd")
    await house.pour("ada", chat_id, 100)
    wishes = [(who, seq) for seq in range(1, 101) for who in ("ben", "cyd")]
    random.Random(7).shuffle(wishes)
    await asyncio.gather(*(house.ask(who, ReadChat(chat_id=chat_id, seq=seq)) for who, seq in wishes))

    for who in ("ben", "cyd"):
        told = [body["seq"] for _, body in house.live("chat.read") if body["user_id"] == house.people[who].id]
        assert told == sorted(set(told)) and told[-1] == 100
        assert await mark_of(house, who, chat_id) == 100


async def test_in_a_batch_each_is_answered_for_itself_and_a_mark_told_of_once(house: ChatHouse) -> None:
    ours, hers = await house.group("ada", "ben"), await house.group("ada", "cyd")
    for chat_id in (ours, hers):
        await house.pour("ada", chat_id, 9)
    wishes = [(ours, 3), (hers, 9), (ours, 8), (uuid7(), 1), (ours, 5)]
    answers = await asyncio.gather(
        *(house.ask("ben", ReadChat(chat_id=chat_id, seq=seq)) for chat_id, seq in wishes), return_exceptions=True
    )
    assert [isinstance(answer, NotFound) for answer in answers] == [False, True, False, True, False]
    assert [body["seq"] for _, body in house.live("chat.read")] in ([8], [3, 8])
    assert await mark_of(house, "ben", ours) == 8


@pytest.fixture
async def houses(house: ChatHouse) -> AsyncIterator[list[Connection]]:
    """Connections as of three houses."""
    opened = [await connect(house.served.house._core.base.dsn, f"house-{n}") for n in range(3)]
    yield opened
    for connection in opened:
        await connection.close()


async def fence(house: ChatHouse) -> tuple[int, int, int, int]:
    """What the journal gives to a statement first."""
    [row] = await house.sql("select incarnation from house where alive")
    return row["incarnation"], 1, 0, 0


async def is_waiting(work: "asyncio.Task[Any]") -> bool:
    return not (await asyncio.wait([work], timeout=0.2))[0]


async def test_houses_that_move_the_same_marks_never_wait_in_a_circle(
    house: ChatHouse, houses: list[Connection]
) -> None:
    """One house holds the mark in the middle, until two have come to it from both sides."""
    chats = sorted([await house.group("ada", "ben", name=f"g{n}") for n in range(5)])
    for chat_id in chats:
        await house.pour("ada", chat_id, 3)
    first, ben = await fence(house), house.people["ben"].id
    transaction = houses[0].transaction()
    await transaction.start()
    await houses[0].fetch(MARK.sql, *first, [chats[2]], [ben], [1])
    work = [
        asyncio.create_task(connection.fetch(MARK.sql, *first, order, [ben] * 5, [seq] * 5))
        for connection, order, seq in ((houses[1], chats, 3), (houses[2], chats[::-1], 2))
    ]
    assert await is_waiting(work[0]) and await is_waiting(work[1])
    await transaction.commit()
    await asyncio.gather(*work)
    assert {await mark_of(house, "ben", chat_id) for chat_id in chats} == {3}


async def test_a_mark_that_waited_for_a_later_one_stays_with_it(house: ChatHouse, houses: list[Connection]) -> None:
    chat_id = await house.group("ada", "ben")
    await house.pour("ada", chat_id, 9)
    args = (*await fence(house), [chat_id], [house.people["ben"].id])
    transaction = houses[0].transaction()
    await transaction.start()
    await houses[0].fetch(MARK.sql, *args, [8])
    work = asyncio.create_task(houses[1].fetch(MARK.sql, *args, [5]))
    assert await is_waiting(work)
    await transaction.commit()
    [moved] = await work
    assert (moved["is_member"], moved["seq"]) == (True, None)
    assert await mark_of(house, "ben", chat_id) == 8
