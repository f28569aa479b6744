"""Replays owned streams through `apply` and compares with the rows that the house serves from."""

import inspect
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from actors.runtime.actor import Entity
from actors.runtime.message import Event
from storage.events import EventStore

PAGE = 500


class Difference(NamedTuple):
    """A stream that does not agree with its row, or with itself."""

    stream: str
    what: str


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
    """Knows the owned kinds by the prefix of their streams."""

    def __init__(self, events: EventStore, entities: Iterable[Entity[Any]]) -> None:
        self._events = events
        self._entities = {entity.stream(""): entity for entity in entities if entity.durable}
        self._types = event_types()

    @property
    def prefixes(self) -> Sequence[str]:
        """How the streams of owned kinds begin."""
        return list(self._entities)

    async def verify(self) -> AsyncIterator[Difference | None]:
        """Go through all owned streams: None for each that agrees, else what does not."""
        for prefix in self.prefixes:
            async for stream in self._events.list_streams(prefix):
                yield await self.compare(stream)

    async def compare(self, stream: str) -> Difference | None:
        """Compare one stream with its row. One whose beginning was deleted by age cannot be replayed, and agrees."""
        entity, key = self._entity(stream)
        state, n, is_whole = await self.state(stream)
        if not is_whole:
            return None
        found = entity.load(key)
        snapshot = await found if inspect.isawaitable(found) else found
        row, row_n = (None, n) if snapshot is None else snapshot
        if snapshot is not None and row_n != n:
            return Difference(stream, f"the row stands at n = {row_n}, the stream at n = {n}")
        if row != state:
            return Difference(stream, f"replay gives {_show(state)}, the row is {_show(row)}")
        return None

    async def state(self, stream: str, at: datetime | None = None) -> tuple[Any, int, bool]:
        """Return (state, n, whether the stream is whole) as it was at a moment, or now. Raises ValueError for a gap."""
        entity, _ = self._entity(stream)
        state, n, is_whole = None, 0, True
        while True:
            rows = await self._events.read_stream(stream, n, PAGE)
            for row in rows:
                if n == 0 and row.n > 1:
                    return None, row.n, False
                if row.n != n + 1:
                    raise ValueError(f"{stream} has no event {n + 1}")
                if at is not None and row.at > at:
                    return state, n, is_whole
                state, n = entity.apply(state, self._decode(row.type, row.body)), row.n
            if len(rows) < PAGE:
                return state, n, is_whole

    def _entity(self, stream: str) -> tuple[Entity[Any], str]:
        prefix = f"{stream.partition(':')[0]}:"
        if prefix not in self._entities:
            raise ValueError(f"no owned stream begins with {prefix}: there are {', '.join(self._entities)}")
        return self._entities[prefix], stream.removeprefix(prefix)

    def _decode(self, name: str, body: bytes) -> Event:
        return msgspec.json.decode(body, type=self._types[name])


def _show(state: Any) -> str:
    return "nothing" if state is None else msgspec.json.encode(state).decode()
