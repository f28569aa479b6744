"""Replays owned streams through `apply` and compares with the rows that the house serves from.

What counts as agreeing although there is no row: an entity whose stream ends it (``apply`` gives None), and one that
went with the account that owned it: its row is removed by cascade, which no event of its own stream tells.
A stream whose beginning was deleted by age cannot be replayed, and agrees.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from actors.errors import NotFound
from actors.runtime.actor import Entity, Snapshot
from actors.runtime.message import Event
from storage.events import EventStore

PAGE = 500
LAST = 2**63 - 1

OWNERS: Mapping[str, Callable[[str, Any], str]] = {
    "user": lambda key, _: key,
    "profile": lambda key, _: key,
    "api_key": lambda _, state: str(state.user_id),
    "courier": lambda key, _: key,
    "op_application": lambda _, state: str(state.user_id),
}
"""Noun of a stream -> (key, state) -> the account whose rows go with it. A new owned noun of accounts adds itself."""


class Broken(Exception):  # noqa: N818 - says what the stream is
    """A stream that cannot be replayed; the message says why."""


class Difference(NamedTuple):
    """A stream that does not agree with its row, or with itself."""

    stream: str
    what: str


Tally = Callable[[], AsyncIterator[Difference | None]]
"""Counts again what shared nouns keep by number; a difference names the stream of the noun."""


class Replayed(NamedTuple):
    """An entity as its stream tells it."""

    state: Any
    n: int  # of the last event that was folded
    is_whole: bool  # False: the beginning is gone, and ``state`` says nothing


def event_types(parent: type[Event] = Event) -> dict[str, type[Event]]:
    """Return every event type by its tag, wherever it is defined."""
    found: dict[str, type[Event]] = {}
    for child in parent.__subclasses__():
        tag = child.__struct_config__.tag
        if isinstance(tag, str):
            found[tag] = child
        found |= event_types(child)
    return found


class Replay:
    """Knows the owned kinds by the prefix of their streams. Reads only, also while a house runs."""

    def __init__(self, events: EventStore, entities: Iterable[Entity[Any]], tallies: Iterable[Tally] = ()) -> None:
        self._events = events
        self._tallies = tuple(tallies)
        self._entities = {entity.stream(""): entity for entity in entities if entity.durable}
        self._types = event_types()

    @property
    def prefixes(self) -> Sequence[str]:
        """How the streams of owned kinds begin."""
        return list(self._entities)

    async def verify(self) -> AsyncIterator[Difference | None]:
        """Go through all owned streams, then the tallies: None for each that agrees, else what does not."""
        for prefix in self.prefixes:
            async for stream in self._events.list_streams(prefix):
                yield await self.compare(stream)
        for tally in self._tallies:
            async for found in tally():
                yield found

    async def compare(self, stream: str) -> Difference | None:
        """Compare one stream with its row."""
        try:
            what = await self._differs(stream)
        except Broken as error:
            what = str(error)
        return None if what is None else Difference(stream, what)

    async def state(self, stream: str, at: datetime | None = None, until: int = LAST) -> Replayed:
        """Return the entity as it was at a moment, and not later than event ``until``.

        Raises:
            ValueError: no owned kind has such streams.
            Broken: an event is missing or cannot be understood.
        """
        entity, _ = self._entity(stream)
        state, n = None, 0
        while rows := await self._events.read_stream(stream, n, PAGE):
            for row in rows:
                if n == 0 and row.n > 1:
                    return Replayed(None, row.n, is_whole=False)
                if row.n != n + 1:
                    raise Broken(f"there is no event {n + 1}")
                if row.n > until or (at is not None and row.at > at):
                    return Replayed(state, n, is_whole=True)
                state, n = entity.apply(state, self._decode(row.type, row.body)), row.n
        return Replayed(state, n, is_whole=True)

    async def _differs(self, stream: str) -> str | None:
        """Say what does not agree. The row is read first: a house that runs may go on, but never back."""
        entity, key = self._entity(stream)
        snapshot = await self._row(entity, key)
        if snapshot is None:
            return await self._is_missed(stream, entity, key)
        replayed = await self.state(stream, until=snapshot.n)
        if not replayed.is_whole:
            return None
        if replayed.n < snapshot.n:
            return f"the row stands at event {snapshot.n}, the stream ends with {replayed.n}"
        if replayed.state != snapshot.state:
            return f"replay gives {_show(replayed.state)}, the row is {_show(snapshot.state)}"
        head = await self._events.head(stream)
        if head > snapshot.n and (await self._row(entity, key) or snapshot).n == snapshot.n:
            return f"the row stands at event {snapshot.n}, the stream at {head}"
        return None

    async def _is_missed(self, stream: str, entity: Entity[Any], key: str) -> str | None:
        """Say that the row should be there; None when it should not."""
        state, _, is_whole = await self.state(stream)
        if not is_whole or state is None or await self._row(entity, key) is not None:
            return None
        owner_of = OWNERS.get(stream.partition(":")[0])
        if owner_of is not None:
            last = await self._events.read_stream(f"account:{owner_of(key, state)}", limit=1, reverse=True)
            if last and last[0].type == "account.deleted":
                return None
        return f"replay gives {_show(state)}, there is no row"

    async def _row(self, entity: Entity[Any], key: str) -> Snapshot[Any] | None:
        try:
            found = entity.load(key)
            return await found if inspect.isawaitable(found) else found
        except NotFound:
            return None

    def _entity(self, stream: str) -> tuple[Entity[Any], str]:
        noun, colon, key = stream.partition(":")
        if noun + colon not in self._entities:
            raise ValueError(
                f"{stream} is not the stream of an owned entity: those begin with {', '.join(self.prefixes)}"
            )
        return self._entities[noun + colon], key

    def _decode(self, name: str, body: bytes) -> Event:
        try:
            return msgspec.json.decode(body, type=self._types[name])
        except KeyError as error:
            raise Broken(f"there are no events of type {name}") from error
        except msgspec.DecodeError as error:
            raise Broken(f"an event {name} cannot be understood: {error}") from error


def shown(state: Any) -> Any:
    """Return a state with the names of its parts, ready to be encoded."""
    return state._asdict() if isinstance(state, tuple) and hasattr(state, "_asdict") else state


def _show(state: Any) -> str:
    return "nothing" if state is None else msgspec.json.encode(shown(state)).decode()
