"""Rooms on a real database, as the house runs them, and the people who talk in them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from actors.chat.room import Room
from actors.errors import Conflict
from actors.messages.chat import (
    Admit,
    ChatCard,
    ChatMessage,
    FoundChat,
    Person,
    Regulate,
    RemoveMember,
    SendMessage,
)
from actors.runtime.actor import Idempotency, Ref
from actors.runtime.clock import SystemClock
from actors.runtime.ids import uuid7
from actors.runtime.message import SYSTEM, Caller
from actors.runtime.ports import DeadLetter, Stored
from actors.runtime.system import System
from app.replay import Difference, Replay
from storage.chat import ChatStore
from storage.events import EventStore
from storage.house import House
from storage.idempotency import insert_idempotency
from storage.journal import Journal
from storage.postgres import Database
from storage.queries import Statement
from tests.transport import carried


class OwnClock(SystemClock):
    """The house's clock, which a test may set."""

    def __init__(self) -> None:
        super().__init__(timedelta())
        self.is_at: datetime | None = None

    def now(self) -> datetime:
        """What the test says, else the time."""
        return self.is_at or super().now()


class Heard:
    """Publisher and dead letters in one: remembers."""

    def __init__(self) -> None:
        self.events: list[Stored] = []
        self.letters: list[DeadLetter] = []

    def publish(self, events: Sequence[Stored]) -> None:
        """Hear of committed events, and of what is told live."""
        self.events += events

    async def store(self, letter: DeadLetter) -> None:
        """Keep a dead letter."""
        self.letters.append(letter)


class Somebody:
    """A person with an account."""

    def __init__(self, name: str, role: str = "user") -> None:
        self.name = name
        self.id = uuid7()
        self.caller = Caller(user_id=self.id, role=role)
        self.person = Person(self.id, name)


class Rooms:
    """Shorthands for what the tests do all the time."""

    def __init__(self, system: System, database: Database, clock: OwnClock, heard: Heard, room: Room) -> None:
        self.system = system
        self.database = database
        self.clock = clock
        self.heard = heard
        self.room = room

    async def sql(self, text: str, *args: Any) -> list[Any]:
        """Run any statement."""
        return await self.database.fetch(Statement("test", text, "many"), *args)

    async def people(self, *names: str) -> list[Somebody]:
        """Accounts, straight into their rows."""
        made = [Somebody(name) for name in names]
        await self.sql(
            "insert into account (id, n, username, role, status, created_at)"
            " select id, 1, name, 'user', 'active', now() from unnest($1::uuid[], $2::text[]) r (id, name)",
            [one.id for one in made],
            list(names),
        )
        return made

    def chat(self, chat_id: str) -> Ref:
        """The room's address."""
        return self.system.ref("chat", chat_id)

    async def group(self, *people: Somebody, name: str = "Us") -> str:
        """A group that the first of them owns; its id."""
        return (await self.found("group", *people, name=name)).id

    async def direct(self, one: Somebody, other: Somebody) -> str:
        """A direct chat; its id."""
        return (await self.found("direct", one, other)).id

    async def found(self, kind: Any, *people: Somebody, **fields: Any) -> ChatCard:
        """Found a chat as the service does."""
        message = FoundChat(chat_id=uuid7(), kind=kind, people=[one.person for one in people], **fields)
        card: ChatCard = await self.chat(message.chat_id).ask(message, people[0].caller)
        return card

    async def say(self, chat_id: str, who: Somebody, content: str = "hello", **fields: Any) -> ChatMessage:
        """Send a message."""
        wish = SendMessage(chat_id=chat_id, content=content, **fields)
        return (await self.chat(chat_id).ask(wish, who.caller)).message

    async def ask(self, who: Somebody | None, message: Any) -> Any:
        """Ask the room that the message names; None: the house itself asks."""
        return await self.chat(message.chat_id).ask(message, SYSTEM if who is None else who.caller)

    async def admit(self, chat_id: str, who: Somebody, whom: Somebody, role: Any = "member") -> Any:
        """Bring somebody in."""
        return await self.ask(who, Admit(chat_id=chat_id, person=whom.person, role=role))

    async def regulate(self, chat_id: str, who: Somebody, whom: Somebody, **wish: Any) -> Any:
        """Change what a member may."""
        return await self.ask(who, Regulate(chat_id=chat_id, user_id=whom.id, **wish))

    async def remove(self, chat_id: str, who: Somebody, whom: Somebody) -> None:
        """Remove somebody, or leave."""
        await self.ask(who, RemoveMember(chat_id=chat_id, user_id=whom.id))

    async def messages(self, chat_id: str) -> list[Any]:
        """The rows of messages, by seq."""
        return await self.sql("select * from chat_message where chat_id = $1 order by seq", chat_id)

    async def notes(self, chat_id: str) -> list[str]:
        """What the house has said in a chat."""
        return [row["content"] for row in await self.messages(chat_id) if row["kind"] == "system"]

    async def roles(self, chat_id: str) -> dict[str, str]:
        """Username -> role, as the rows hold them."""
        rows = await self.sql("select username, role from chat_member where chat_id = $1", chat_id)
        return {row["username"]: row["role"] for row in rows}

    async def told(self, chat_id: str) -> list[dict[str, Any]]:
        """The bodies of the stream's events, in order."""
        rows = await self.sql("select body from event where stream = $1 order by n", f"chat:{chat_id}")
        return [msgspec.json.decode(row["body"]) for row in rows]

    def live(self, kind: str) -> list[dict[str, Any]]:
        """The bodies of what was told live only."""
        return [msgspec.json.decode(one.body) for one in self.heard.events if one.n == 0 and one.type == kind]

    async def differences(self) -> list[Difference]:
        """What `verify` finds."""
        replay = Replay(EventStore(self.database), [self.room])
        return [found async for found in replay.verify() if found is not None]


@asynccontextmanager
async def open_rooms(dsn: str, *, most: int = 2_000) -> AsyncIterator[Rooms]:
    """A running house of rooms, stopped at the end; then replay agrees with every row."""
    async with AsyncExitStack() as stack:
        house = await House.claim(dsn, "one", alone=True)
        stack.push_async_callback(house.release)
        database = await Database.open(dsn, house.application_name, pool_size=4)
        stack.push_async_callback(database.close)
        journal = Journal(dsn, house, lanes=2)
        await journal.start()
        stack.push_async_callback(journal.stop)
        heard, clock = Heard(), OwnClock()
        room = Room(ChatStore(database), heard.publish, most)
        system = System(
            transport=await stack.enter_async_context(carried()),  # as if every message left the process
            kinds=[room], journal=journal, publisher=heard, dead_letters=heard,
            record_idempotency=record_idempotency, clock=clock,
        )  # fmt: skip
        await stack.enter_async_context(system)
        rooms = Rooms(system, database, clock, heard, room)
        yield rooms
        assert await rooms.differences() == []


def record_idempotency(caller: Caller, idempotency: Idempotency, made: str) -> Any:
    """As `app` wires it."""
    return insert_idempotency(
        caller.user_id or "anonymous", idempotency.route, idempotency.key, idempotency.body_hmac, made,
        datetime.now(UTC), Conflict("this key is taken"),
    )  # fmt: skip
