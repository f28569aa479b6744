"""Sending: numbers without gaps, one message per client_id, and what is refused leaves nothing."""

import asyncio
from datetime import timedelta

import pytest

from actors.errors import Conflict, Forbidden, InvalidRequest, NotFound
from actors.messages.chat import IsMember, SendMessage
from actors.runtime.ids import uuid7
from tests.chat.house import Rooms, Somebody, open_rooms


async def test_fifty_who_send_at_once_get_numbers_without_gaps(rooms: Rooms) -> None:
    people = await rooms.people(*(f"p{n}_" for n in range(50)))
    chat = await rooms.group(*people)

    sent = await asyncio.gather(*(rooms.say(chat, one, f"{one.name} {n}") for n in range(4) for one in people))

    assert sorted(message.seq for message in sent) == list(range(1, 201))
    rows = await rooms.messages(chat)
    assert [(row["seq"], row["id"], row["content"]) for row in rows] == [
        (message.seq, message.id, message.content) for message in sorted(sent, key=lambda one: one.seq)
    ]
    times = [row["created_at"] for row in rows]
    assert times == sorted(times)


async def test_what_is_said_is_published_in_order_and_as_it_is_stored(rooms: Rooms, people: list[Somebody]) -> None:
    chat = await rooms.group(*people)
    await asyncio.gather(*(rooms.say(chat, one) for one in people * 10))

    told = await rooms.told(chat)
    assert [body["message"]["seq"] for body in told[1:]] == list(range(1, 31))
    assert [event.n for event in rooms.heard.events] == list(range(1, 32))


async def test_a_client_id_finds_the_first_message_and_leaves_no_gap(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, _ = people
    chat = await rooms.group(*people)
    wish = SendMessage(chat_id=chat, content="once", client_id="a1")
    first = await rooms.ask(ada, wish)
    again = await rooms.ask(ada, SendMessage(chat_id=chat, content="twice", client_id="a1"))
    others = await rooms.ask(bob, wish)

    assert first.made
    assert (again.made, again.message) == (False, first.message)
    assert (others.made, others.message.seq) == (True, 2)


async def test_one_client_id_many_times_at_once_makes_one_message(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, _ = people
    chat = await rooms.group(*people)
    wish = SendMessage(chat_id=chat, content="once", client_id="a1")

    sent, _ = await asyncio.gather(
        asyncio.gather(*(rooms.ask(ada, wish) for _ in range(10))),
        asyncio.gather(*(rooms.say(chat, bob) for _ in range(10))),
    )

    assert len({one.message.id for one in sent}) == 1
    assert [one.made for one in sent].count(True) == 1
    assert [row["seq"] for row in await rooms.messages(chat)] == list(range(1, 12))


async def test_a_refused_message_takes_no_number(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, _ = people
    chat = await rooms.group(*people)
    elsewhere = await rooms.say(await rooms.group(ada), ada)
    await rooms.say(chat, ada)

    results = await asyncio.gather(
        rooms.say(chat, bob),
        rooms.say(chat, ada, reply_to=elsewhere.id),
        rooms.say(chat, ada, " \n"),
        rooms.say(chat, bob),
        return_exceptions=True,
    )

    assert [type(one) for one in results[1:3]] == [InvalidRequest, InvalidRequest]
    assert [one.seq for one in results if not isinstance(one, BaseException)] == [2, 3]


async def test_an_answer_names_a_message_of_its_own_chat(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, _ = people
    chat = await rooms.group(*people)
    asked = await rooms.say(chat, ada, "why?")
    answer = await rooms.say(chat, bob, "because", reply_to=asked.id)

    assert answer.reply_to == asked.id
    with pytest.raises(InvalidRequest) as refusal:
        await rooms.say(chat, bob, reply_to=uuid7())
    assert refusal.value.extra["errors"] == [{"path": "$.reply_to", "message": "no such message in this chat"}]


async def test_a_stranger_finds_no_chat(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, cyd = people
    chat = await rooms.group(ada, bob)

    for nowhere in (chat, uuid7()):
        with pytest.raises(NotFound):
            await rooms.say(nowhere, cyd)
        assert not await rooms.ask(cyd, IsMember(chat_id=nowhere, user_id=cyd.id))
    assert await rooms.ask(cyd, IsMember(chat_id=chat, user_id=bob.id))


async def test_time_in_a_chat_never_goes_back(rooms: Rooms, people: list[Somebody]) -> None:
    ada, *_ = people
    chat = await rooms.group(ada)
    first = await rooms.say(chat, ada)
    rooms.clock.is_at = first.created_at - timedelta(hours=1)
    second = await rooms.say(chat, ada)
    rooms.clock.is_at = None
    third = await rooms.say(chat, ada)

    assert first.created_at == second.created_at < third.created_at


async def test_a_house_that_starts_anew_goes_on_counting(database_dsn: str) -> None:
    async with open_rooms(database_dsn) as rooms:
        ada, bob = await rooms.people("ada", "bob")
        chat = await rooms.group(ada, bob)
        await rooms.say(chat, ada)
        last = await rooms.say(chat, bob)
    async with open_rooms(database_dsn) as rooms:
        rooms.clock.is_at = last.created_at - timedelta(hours=1)
        after = await rooms.say(chat, ada, "@bob")

    assert (after.seq, after.mentions, after.created_at) == (3, [bob.id], last.created_at)


@pytest.mark.parametrize(
    "fields",
    [
        {"content": ""},
        {"content": " \t\n"},
        {"content": "a\0b"},
        {"kind": "image", "content": ""},
        {"kind": "image", "content": "a caption alone"},
        {"kind": "file", "content": "ftp://example.org/x"},
        {"kind": "file", "content": "https://example.org/x y"},
        {"kind": "video", "content": "https://"},
    ],
)
async def test_a_message_that_shows_nothing_is_refused(
    rooms: Rooms, people: list[Somebody], fields: dict[str, str]
) -> None:
    chat = await rooms.group(*people)
    with pytest.raises(InvalidRequest) as refusal:
        await rooms.say(chat, people[0], **fields)
    assert "'$.content'" in str(refusal.value.extra)


async def test_other_kinds_show_a_file_or_an_address(rooms: Rooms, people: list[Somebody]) -> None:
    chat = await rooms.group(*people)
    await rooms.say(chat, people[0], "https://example.org/cat.png", kind="image")
    held = await rooms.say(chat, people[0], "", kind="audio", file_id="f1")
    assert (held.kind, held.file_id) == ("audio", "f1")


async def test_two_have_one_direct_chat(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, cyd = people
    await rooms.direct(ada, bob)
    with pytest.raises(Conflict):
        await rooms.direct(bob, ada)
    await rooms.direct(ada, cyd)
    made = await asyncio.gather(*(rooms.direct(cyd, bob) for _ in range(5)), return_exceptions=True)
    assert sorted(isinstance(one, str) for one in made) == [False] * 4 + [True]


async def test_a_block_of_either_ends_writing_in_a_direct_chat_and_in_no_group(
    rooms: Rooms, people: list[Somebody]
) -> None:
    ada, bob, _ = people
    group, direct = await rooms.group(ada, bob), await rooms.direct(ada, bob)
    resent = SendMessage(chat_id=direct, content="hi", client_id="b1")
    first = await rooms.ask(bob, resent)
    await rooms.sql("insert into block values ($1, $2, now())", ada.id, bob.id)

    for one in (ada, bob):
        with pytest.raises(Forbidden):
            await rooms.say(direct, one)
        await rooms.say(group, one)
    again = await rooms.ask(bob, resent)
    assert (again.made, again.message) == (False, first.message)  # it was sent in peace
    await rooms.sql("delete from block")
    assert (await rooms.say(direct, bob)).seq == 2
