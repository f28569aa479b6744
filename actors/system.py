"""What the person who keeps the house running may ask: figures, events, dead letters, settings, logs."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, Protocol

import msgspec

from actors.cursors import decode_cursor, page_of
from actors.errors import DomainError, NotFound
from actors.messages.fields import Id, Page
from actors.messages.system import (
    ActorList,
    DeadLetterView,
    DeleteDeadLetter,
    GetDeadLetter,
    GetInfo,
    House,
    HouseInfo,
    ListActors,
    ListDeadLetters,
    ListEvents,
    ListHouses,
    ListLogLines,
    ListSettings,
    LogLines,
    RedeliverDeadLetter,
    SettingList,
    StoredEvent,
    Word,
)
from actors.runtime.actor import Service, Turn, handles
from actors.runtime.message import Aware
from actors.runtime.ports import DeadLetter
from storage.dead_letters import DeadLetterStore
from storage.events import Cursor, EventRow, EventStore
from storage.houses import HouseStore

HouseKey = Annotated[int, msgspec.Meta(ge=0, le=2**15 - 1)]


class EventKey(NamedTuple):
    """What a cursor of events may hold: nothing that the database would choke on."""

    at: Aware
    stream: Word
    n: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Surroundings(Protocol):
    """What only the composition root knows."""

    def info(self) -> HouseInfo:
        """What runs here."""
        ...

    def actors(self) -> ActorList:
        """Figures of every kind."""
        ...

    def settings(self) -> SettingList:
        """Effective settings, secrets masked."""
        ...

    async def log_lines(self, query: ListLogLines) -> Sequence[dict[str, Any]]:
        """The newest log lines that fit."""
        ...

    def redeliver(self, letter: DeadLetter) -> None:
        """Send a dead letter's message again. Raises `Overloaded`; `Conflict` when it cannot be understood."""
        ...


def view(letter: DeadLetter) -> DeadLetterView:
    """Show a dead letter as JSON."""
    return DeadLetterView(
        id=letter.id, kind=letter.kind, key=letter.key, message_type=letter.message_type,
        message=msgspec.msgpack.decode(letter.message), error=letter.error, attempts=letter.attempts, at=letter.at,
    )  # fmt: skip


class SystemDesk(Service):
    """See the module. Stateless; every route behind it is for administrators."""

    kind = "system"

    def __init__(
        self, houses: HouseStore, events: EventStore, letters: DeadLetterStore, surroundings: Surroundings
    ) -> None:
        self._houses = houses
        self._events = events
        self._letters = letters
        self._surroundings = surroundings

    @handles
    def info(self, message: GetInfo, turn: Turn) -> HouseInfo:
        """What runs here, and since when."""
        del message, turn
        return self._surroundings.info()

    @handles
    def actors(self, message: ListActors, turn: Turn) -> ActorList:
        """Every kind with its figures."""
        del message, turn
        return self._surroundings.actors()

    @handles
    def settings(self, message: ListSettings, turn: Turn) -> SettingList:
        """Every setting with its source."""
        del message, turn
        return self._surroundings.settings()

    @handles
    async def log_lines(self, message: ListLogLines, turn: Turn) -> LogLines:
        """The newest lines that fit."""
        del turn
        return LogLines(list(await self._surroundings.log_lines(message)))

    @handles
    async def houses(self, message: ListHouses, turn: Turn) -> Page[House]:
        """Every house of this database."""
        del turn
        after = decode_cursor(message.cursor, HouseKey)
        rows = await self._houses.list_houses(after, message.limit + 1)
        return page_of(rows, message.limit, lambda row: House(**{**row, "id": str(row["id"])}), lambda row: row["id"])

    @handles
    async def events(self, message: ListEvents, turn: Turn) -> Page[StoredEvent]:
        """The audit log, newest first."""
        del turn
        rows = await self._events.list_events(
            stream=message.stream, type=message.type, caller=message.user_id, since=message.since,
            cursor=_event_cursor(message.cursor), limit=message.limit + 1,
        )  # fmt: skip
        return page_of(rows, message.limit, _stored_event, lambda row: (row.at, row.stream, row.n))

    @handles
    async def dead_letters(self, message: ListDeadLetters, turn: Turn) -> Page[DeadLetterView]:
        """Messages that crashed their actor, newest first."""
        del turn
        before = decode_cursor(message.cursor, tuple[Aware, Id])
        rows = await self._letters.list_dead_letters(before, message.limit + 1)
        letters = [DeadLetter(*row) for row in rows]
        return page_of(letters, message.limit, view, lambda letter: (letter.at, letter.id))

    @handles
    async def dead_letter(self, message: GetDeadLetter, turn: Turn) -> DeadLetterView:
        """One of them."""
        del turn
        return view(await self._letter(message.letter_id))

    @handles
    async def redeliver(self, message: RedeliverDeadLetter, turn: Turn) -> DeadLetterView:
        """Send it again: once, however many ask at a time. Should it crash again it comes back as a new one.

        It is forgotten first, and kept again when the mailbox refuses it.
        """
        del turn
        letter = await self._letter(message.letter_id)
        if not await self._letters.delete_dead_letter(letter.id):
            raise NotFound("no such dead letter")
        try:
            self._surroundings.redeliver(letter)
        except DomainError:
            await self._letters.store(letter)
            raise
        return view(letter)

    @handles
    async def delete_dead_letter(self, message: DeleteDeadLetter, turn: Turn) -> None:
        """Forget it."""
        del turn
        if not await self._letters.delete_dead_letter(message.letter_id):
            raise NotFound("no such dead letter")

    async def _letter(self, letter_id: str) -> DeadLetter:
        row = await self._letters.get_dead_letter(letter_id)
        if row is None:
            raise NotFound("no such dead letter")
        return DeadLetter(*row)


def _stored_event(row: EventRow) -> StoredEvent:
    return StoredEvent(
        stream=row.stream, n=row.n, type=row.type, body=msgspec.Raw(row.body), caller=row.caller, at=row.at
    )


def _event_cursor(text: str | None) -> Cursor | None:
    key = decode_cursor(text, EventKey)
    return None if key is None else Cursor(*key)
