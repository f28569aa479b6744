"""Many people, and deliveries that come again: one notice for each person and read, and no more work than that."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from actors.chat.arrivals import ARRIVALS, Arrivals
from actors.messages.chat import FoundChat, SendMessage
from actors.messages.chat import Person as Newcomer
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from actors.runtime.ports import Stored
from storage.chat_arrival import ChatArrivalStore
from storage.events import EventRow
from storage.postgres import Database
from storage.queries import Statement
from tests.chat_arrivals.house import TalkingHouse
from tests.system.house import Person


async def crowd(house: TalkingHouse, size: int) -> list[Newcomer]:
    """Accounts, straight into their rows."""
    people = [Newcomer(uuid7(), f"p{number}_") for number in range(size)]
    await house.sql(
        "insert into account (id, n, username, role, status, created_at)"
        " select id, 1, name, 'user', 'active', now() from unnest($1::uuid[], $2::text[]) r (id, name)",
        [one.user_id for one in people],
        [one.username for one in people],
    )
    return people


async def large_group(house: TalkingHouse, owner: Person, people: list[Newcomer]) -> str:
    """A group of everybody; its id."""
    chat_id = uuid7()
    message = FoundChat(chat_id=chat_id, kind="group", people=[Newcomer(owner.id, "ada"), *people], name="All")
    await house.served.refs("chat", chat_id).ask(message, Caller(user_id=owner.id, role="user"))
    await house.settled()
    return chat_id


async def count(house: TalkingHouse, kind: str) -> int:
    """How many entries of a type there are in all inboxes."""
    await house.settled()
    return len(await house.sql("select from notification where type = $1", kind))


async def test_a_large_room_costs_a_notice_per_person_and_not_per_message(house: TalkingHouse, ada: Person) -> None:
    people = await crowd(house, 450)
    chat_id = await large_group(house, ada, people)
    assert await count(house, "chat") == 450

    ref, caller = house.served.refs("chat", chat_id), Caller(user_id=ada.id, role="user")
    for _ in range(5):
        await asyncio.gather(*(ref.ask(SendMessage(chat_id=chat_id, content="hello"), caller) for _ in range(20)))
        await house.settled()

    assert await count(house, "message") == 450
    told = await house.sql("select from event where stream like 'user:%' and type = 'message.arrived'")
    assert len(told) == 450


async def test_where_everybody_goes_on_watching_the_rows_are_asked_once(
    house: TalkingHouse, ada: Person, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat_id = await house.group(ada, ben)
    await house.listen(ben, f"chat:{chat_id}")
    await house.listen(ada, f"chat:{chat_id}")
    await house.settled()
    asked: list[str] = []
    fetch = Database.fetch

    async def listen(database: Database, statement: Statement, *args: Any) -> list[Any]:
        asked.append(statement.name)
        return await fetch(database, statement, *args)

    monkeypatch.setattr(Database, "fetch", listen)
    for _ in range(5):
        await house.say(chat_id, ada)
    await house.settled()

    assert {name for name in asked if name.startswith(("chat_arrival", "notification"))} == {"chat_arrival.list_untold"}
    assert asked.count("chat_arrival.list_untold") == 1


async def history(house: TalkingHouse) -> list[EventRow]:
    """Everything that the consumer has ever heard."""
    rows = await house.sql(
        "select stream, n, type, body, caller, cause, ordinal, house, lane, seq, at from event"
        " where type = any($1) order by lane, seq",
        list(ARRIVALS),
    )
    return [EventRow.of(row) for row in rows]


async def test_what_is_delivered_again_tells_nobody_twice(
    house: TalkingHouse, ada: Person, ben: Person, cyd: Person
) -> None:
    chat_id = await house.group(ada, ben, cyd)
    await house.mute(chat_id, cyd)
    for text in ("one", "@ben @cyd two", "three"):
        await house.say(chat_id, ada, text)
        await house.settled()
    before = [(await house.entries(who), await house.told(who)) for who in (ada, ben, cyd)]
    heard: list[Stored] = []

    def hear(events: Sequence[Stored]) -> None:
        heard.extend(events)

    again = Arrivals(ChatArrivalStore(house.core.base.database), house.served.refs, lambda _: set(), hear)
    await again.deliver(await history(house))
    for event in await history(house):
        await again.deliver([event])

    assert [(await house.entries(who), await house.told(who)) for who in (ada, ben, cyd)] == before
    assert {one.stream for one in heard} == {f"user:{ben.id}", f"user:{cyd.id}"}  # a hint does no harm


async def test_several_messages_of_one_delivery_are_one_hint(house: TalkingHouse, ada: Person, ben: Person) -> None:
    chat_id = await house.group(ada, ben)
    await house.say(chat_id, ada)
    ear = await house.listen(ben)
    ref, caller = house.served.refs("chat", chat_id), Caller(user_id=ada.id, role="user")
    await asyncio.gather(*(ref.ask(SendMessage(chat_id=chat_id, content="hello"), caller) for _ in range(50)))
    await house.settled()

    seqs: list[int] = []
    while not seqs or seqs[-1] < 51:
        seqs.append((await ear.push())["pub"]["data"]["seq"])
    assert len(seqs) <= 5
