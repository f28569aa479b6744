"""Messages once they are there: whom they mention, how they are changed and taken back, and who is typing."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from actors.chat.messages import mentions_of
from actors.chat.state import Members
from actors.errors import Conflict, Forbidden, InvalidRequest, NotFound
from actors.messages.chat import ChatMessage, EditMessage, Member, RecallMessage, TypeMessage
from actors.runtime.clock import SystemClock
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from tests.chat.house import Rooms, Somebody, open_rooms

NOW = SystemClock(timedelta()).now()


async def edit(rooms: Rooms, message: ChatMessage, who: Somebody, content: str) -> ChatMessage:
    wish = EditMessage(chat_id=message.chat_id, message_id=message.id, content=content)
    edited: ChatMessage = await rooms.ask(who, wish)
    return edited


async def recall(rooms: Rooms, message: ChatMessage, who: Somebody | Caller) -> None:
    wish = RecallMessage(chat_id=message.chat_id, message_id=message.id)
    await rooms.chat(message.chat_id).ask(wish, who if isinstance(who, Caller) else who.caller)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("@ada look", ["ada"]),
        ("look, @ADA!", ["ada"]),
        ("@ada, @bob.", ["ada", "bob."]),
        ("(@dan.e.)", ["dan.e"]),
        ("@dan.e...", ["dan.e"]),
        ("@bob.--", ["bob."]),
        ("@ada @Ada @ada", ["ada"]),
        ("@bob. @ada", ["bob.", "ada"]),
        ("@ada's", ["ada"]),
        ("你好@ada你好", ["ada"]),
        ("@ad", []),
        ("@adam", []),
        ("@nobody", []),
        ("ada@ada.example", []),
        ("x@ada", []),
        ("@ada@example.org", []),
        ("@@ada", []),
        ("ada", []),
    ],
)
def test_a_mention_is_a_members_name_behind_an_at(content: str, names: list[str]) -> None:
    members = Members(
        {
            name: Member(user_id=name, username=name.title(), role="member", joined_at=NOW)
            for name in ("ada", "bob.", "dan.e")
        }
    )
    assert mentions_of(content, members) == names


async def test_a_message_mentions_members_only_and_keeps_whom(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, cyd = people
    chat = await rooms.group(ada, bob)
    sent = await rooms.say(chat, ada, "@bob and @cyd, hello")
    assert sent.mentions == [bob.id]
    await rooms.admit(chat, ada, cyd)
    assert (await rooms.say(chat, ada, "@bob and @CYD, hello")).mentions == [bob.id, cyd.id]
    await rooms.remove(chat, bob, bob)
    assert (await rooms.say(chat, ada, "@bob and @CYD, hello")).mentions == [cyd.id]
    rows = await rooms.messages(chat)
    assert [msgspec.json.decode(row["mentions"]) for row in rows] == [[bob.id], [], [bob.id, cyd.id], [], [cyd.id]]


async def test_edited_words_are_other_words_with_other_mentions(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, _ = people
    chat = await rooms.group(*people)
    sent = await rooms.say(chat, ada, "helo world")
    edited = await edit(rooms, sent, ada, "hello @bob")

    assert (edited.content, edited.mentions, edited.seq, edited.created_at) == (
        "hello @bob",
        [bob.id],
        1,
        sent.created_at,
    )
    assert edited.edited_at is not None
    assert edited.edited_at >= sent.created_at
    [row] = await rooms.sql(
        "select content, edited_at, words @@ 'hello' as has, words @@ 'world' as had from chat_message"
    )
    assert tuple(row) == ("hello @bob", edited.edited_at, True, False)
    [*_, told] = await rooms.told(chat)
    assert (told["type"], told["message"]["content"]) == ("message.edited", "hello @bob")
    assert (await rooms.say(chat, bob)).seq == 2


async def test_the_same_words_again_are_no_edit(rooms: Rooms, people: list[Somebody]) -> None:
    chat = await rooms.group(*people)
    sent = await rooms.say(chat, people[0])
    assert await edit(rooms, sent, people[0], "hello") == sent
    assert len(await rooms.told(chat)) == 2


async def test_what_is_taken_back_is_gone_but_for_its_number(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, _ = people
    chat = await rooms.group(*people)
    sent = await rooms.say(chat, ada, "@bob the secret", file_id="f1", client_id="c")
    answer = await rooms.say(chat, bob, "what?", reply_to=sent.id)
    await recall(rooms, sent, ada)

    assert sorted(map(tuple, await rooms.sql(
        "select seq, content, coalesce(file_id, ''), mentions::text, words = '' from chat_message"
    ))) == [(1, "", "", "[]", True), (2, "what?", "", "[]", False)]  # fmt: skip
    [*_, told] = await rooms.told(chat)
    assert (told["type"], told["by"], told["message"]["content"], told["message"]["mentions"]) == (
        "message.recalled", ada.id, "", [],
    )  # fmt: skip
    assert told["message"]["recalled_at"]
    before = len(await rooms.told(chat))
    await recall(rooms, sent, ada)
    assert len(await rooms.told(chat)) == before
    assert answer.reply_to == sent.id
    again = await rooms.say(chat, ada, "@bob the secret", client_id="c")
    assert (again.id, again.content, again.recalled_at is not None) == (sent.id, "", True)


async def test_only_texts_and_captions_change(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, cyd = people
    chat = await rooms.group(ada, bob)
    await rooms.admit(chat, ada, cyd)
    [note] = [row for row in await rooms.messages(chat) if row["kind"] == "system"]
    system = msgspec.structs.replace(await rooms.say(chat, ada), id=note["id"])
    address = await rooms.say(chat, ada, "https://example.org/x.png", kind="image")
    gone = await rooms.say(chat, ada)
    await recall(rooms, gone, ada)

    for message in (system, address, gone):
        with pytest.raises(Conflict):
            await edit(rooms, message, ada, "other words")
    with pytest.raises(Conflict):
        await recall(rooms, system, ada)
    captioned = await rooms.say(chat, ada, "a cat", kind="image", file_id="f")
    assert (await edit(rooms, captioned, ada, "")).content == ""
    with pytest.raises(InvalidRequest):
        await edit(rooms, await rooms.say(chat, ada), ada, " ")


# Who tries it on a message of bob's, in a group of ada's where cyd administers: (edit, recall).
MAY_CHANGE = {
    "bob": ("done", "done"),
    "ada": ("done", "done"),
    "cyd": ("done", "done"),
    "mia": ("Forbidden", "Forbidden"),
    "sven": ("NotFound", "NotFound"),
    "root": ("NotFound", "done"),
}


@pytest.mark.parametrize("who", MAY_CHANGE)
async def test_who_may_edit_and_who_may_recall(rooms: Rooms, who: str) -> None:
    ada, bob, cyd, mia, sven = await rooms.people("ada", "bob", "cyd", "mia", "sven")
    chat = await rooms.group(ada, bob, cyd, mia)
    await rooms.regulate(chat, ada, cyd, role="admin")
    message = await rooms.say(chat, bob)
    root = Somebody("root", "super_admin")
    doer = {one.name: one for one in (ada, bob, cyd, mia, sven, root)}[who]

    found = []
    for doing in (edit(rooms, message, doer, "other"), recall(rooms, message, doer)):
        try:
            await doing
            found.append("done")
        except (Forbidden, NotFound) as error:
            found.append(type(error).__name__)
    assert tuple(found) == MAY_CHANGE[who]


async def test_nobody_administers_a_direct_chat(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, _ = people
    chat = await rooms.direct(ada, bob)
    message = await rooms.say(chat, bob)
    for doing in (edit(rooms, message, ada, "x"), recall(rooms, message, ada)):
        with pytest.raises(Forbidden):
            await doing
    await rooms.sql("insert into block values ($1, $2, now())", ada.id, bob.id)
    with pytest.raises(Forbidden):
        await edit(rooms, message, bob, "through the back door")
    await recall(rooms, message, bob)


async def test_who_was_silenced_takes_back_and_says_nothing_new(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, _ = people
    chat = await rooms.group(*people)
    message = await rooms.say(chat, bob)
    await rooms.regulate(chat, ada, bob, silenced=True)
    with pytest.raises(Forbidden):
        await edit(rooms, message, bob, "x")
    with pytest.raises(Forbidden):
        await rooms.ask(bob, TypeMessage(chat_id=chat))
    await recall(rooms, message, bob)


async def test_a_message_is_found_in_its_own_chat_only(rooms: Rooms, people: list[Somebody]) -> None:
    ada, *_ = people
    one, other = await rooms.group(ada), await rooms.group(ada)
    message = await rooms.say(one, ada)
    for wrong in (msgspec.structs.replace(message, chat_id=other), msgspec.structs.replace(message, id=uuid7())):
        with pytest.raises(NotFound):
            await edit(rooms, wrong, ada, "x")
        with pytest.raises(NotFound):
            await recall(rooms, wrong, ada)


async def test_edits_and_messages_at_once_all_take_effect(rooms: Rooms, people: list[Somebody]) -> None:
    chat = await rooms.group(*people)
    first = [await rooms.say(chat, one) for one in people]
    work: list[Any] = []
    for n, one in enumerate(people):
        work += [rooms.say(chat, one), edit(rooms, first[n], one, f"edited {n}"), rooms.say(chat, one)]
    await asyncio.gather(*work)

    rows = await rooms.messages(chat)
    assert [row["seq"] for row in rows] == list(range(1, 10))
    assert [row["content"] for row in rows[:3]] == ["edited 0", "edited 1", "edited 2"]


async def test_typing_is_told_live_once_a_second_and_stored_nowhere(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, _ = people
    chat, other = await rooms.group(ada, bob), await rooms.group(ada)
    start = rooms.clock.now()
    for milliseconds in (0, 1, 999, 1_000, 1_500, 2_500):
        rooms.clock.is_at = start + timedelta(milliseconds=milliseconds)
        await rooms.ask(ada, TypeMessage(chat_id=chat))
    await rooms.ask(ada, TypeMessage(chat_id=other))
    await rooms.ask(bob, TypeMessage(chat_id=chat))

    assert [told["user_id"] for told in rooms.live("chat.typing")] == [ada.id] * 4 + [bob.id]
    assert [event.stream for event in rooms.heard.events if event.n == 0] == [
        f"chat:{one}" for one in (chat, chat, chat, other, chat)
    ]
    assert len(await rooms.told(chat)) == 1


async def test_typing_goes_on_when_the_clock_is_set_back(rooms: Rooms, people: list[Somebody]) -> None:
    chat = await rooms.group(*people)
    await rooms.ask(people[0], TypeMessage(chat_id=chat))
    rooms.clock.is_at = rooms.clock.now() - timedelta(hours=1)
    await rooms.ask(people[0], TypeMessage(chat_id=chat))
    assert len(rooms.live("chat.typing")) == 2


async def test_nobody_hears_typing_of_strangers_or_of_whom_they_have_blocked(
    rooms: Rooms, people: list[Somebody]
) -> None:
    ada, bob, cyd = people
    chat = await rooms.direct(ada, bob)
    with pytest.raises(NotFound):
        await rooms.ask(cyd, TypeMessage(chat_id=chat))
    await rooms.sql("insert into block values ($1, $2, now())", ada.id, bob.id)
    with pytest.raises(Forbidden):
        await rooms.ask(bob, TypeMessage(chat_id=chat))
    assert rooms.live("chat.typing") == []


async def test_a_room_that_crashes_comes_back_and_no_other_notices(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_rooms(database_dsn) as rooms:
        ada, bob = await rooms.people("ada", "bob")
        one, other = await rooms.group(ada, bob), await rooms.group(ada, bob)
        await rooms.say(one, ada)
        with monkeypatch.context() as planted:
            fold = rooms.room.apply
            planted.setattr(
                rooms.room,
                "apply",
                lambda state, event: fold(None, event) if state.card.id == one else fold(state, event),
            )
            results = await asyncio.gather(*(rooms.say(chat, bob) for chat in (one, other)), return_exceptions=True)
        assert [type(result).__name__ for result in results] == ["Internal", "ChatMessage"]
        assert (await rooms.say(other, ada)).seq == 2
        assert (await rooms.say(one, ada)).seq == 2
