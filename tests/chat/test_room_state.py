"""The room in memory: small to change, and the same again from its rows."""

import msgspec

from actors.chat.state import fold
from actors.messages.chat import ChatMessage, MessageCreated, MessageEdited
from actors.runtime.ids import uuid7
from app.replay import Replay, shown
from storage.events import EventStore
from tests.chat.house import Rooms, Somebody


async def test_a_message_copies_no_members(rooms: Rooms, people: list[Somebody]) -> None:
    chat = await rooms.group(*people)
    snapshot = await rooms.room.load(chat)
    assert snapshot is not None
    sent = await rooms.say(chat, people[0])
    after = fold(snapshot.state, MessageCreated(at=sent.created_at, message=sent))

    assert after is not None
    assert after.members is snapshot.state.members
    assert after.card is snapshot.state.card
    assert (after.last_seq, after.active_at) == (1, sent.created_at)
    assert fold(after, MessageEdited(at=sent.created_at, message=sent)) is after


async def test_the_room_from_its_rows_is_the_room_from_its_stream(rooms: Rooms, people: list[Somebody]) -> None:
    ada, bob, cyd = people
    chat = await rooms.group(ada, bob)
    await rooms.admit(chat, ada, cyd, "admin")
    await rooms.regulate(chat, cyd, bob, silenced=True)
    await rooms.regulate(chat, bob, bob, muted=True)
    last = await rooms.say(chat, cyd)
    snapshot = await rooms.room.load(chat)
    assert snapshot is not None

    replayed = await Replay(EventStore(rooms.database), [rooms.room]).state(f"chat:{chat}")
    assert (replayed.state, replayed.n) == (snapshot.state, snapshot.n)
    members = snapshot.state.members
    assert [(one.role, one.muted, one.silenced) for one in (members[ada.id], members[bob.id], members[cyd.id])] == [
        ("owner", False, False), ("member", True, True), ("admin", False, False),
    ]  # fmt: skip
    assert (snapshot.state.last_seq, snapshot.state.active_at) == (2, last.created_at)
    as_told = msgspec.json.decode(msgspec.json.encode(shown(snapshot.state)))
    assert as_told["members"][bob.id]["username"] == "Bob"


async def test_a_row_that_was_changed_behind_the_room_is_found(rooms: Rooms, people: list[Somebody]) -> None:
    chat = await rooms.group(*people)
    await rooms.sql("update chat_member set role = 'admin' where user_id = $1", people[1].id)
    [found] = await rooms.differences()
    assert found.stream == f"chat:{chat}"
    await rooms.sql("update chat_member set role = 'member' where user_id = $1", people[1].id)


async def test_a_stored_message_and_its_row_are_the_same(rooms: Rooms, people: list[Somebody]) -> None:
    chat = await rooms.group(*people)
    first = await rooms.say(chat, people[0], "@bob")
    answer = await rooms.say(chat, people[1], "yes", reply_to=first.id, kind="file", file_id=uuid7())
    told = [msgspec.convert(body["message"], ChatMessage) for body in (await rooms.told(chat))[1:]]
    assert told == [first, answer]
