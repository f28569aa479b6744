# ruff: noqa: ARG002 - handlers take what all handlers take
"""A small world for the runtime's tests: a store that can be told to fail, and actors that count, wait and break."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from actors.runtime.actor import Decision, Entity, Opened, Ref, Service, Settled, Snapshot, Together, Turn, handles
from actors.runtime.errors import DomainError
from actors.runtime.message import Command, Event, Query, Secret
from actors.runtime.ports import DeadLetter, DuplicateTurn, Stored


class Refused(DomainError):  # noqa: N818 - reads as the answer
    """The counter says no."""

    code = "refused"


class Added(Event, frozen=True, tag="counter.added"):
    """The counter grew."""

    by: int


class Opening(Event, frozen=True, tag="ledger.opened"):
    """A ledger was opened."""


class Add(Command[int], frozen=True):
    """Grow by ``by``; return the new value."""

    by: int = 1


class Get(Query[int], frozen=True):
    """Return the value."""


class Refuse(Command[int], frozen=True):
    """Always refused."""


class Break(Command[None], frozen=True):
    """Crashes whoever handles it."""

    password: Secret = ""
    inner: "Add | None" = None


class Note(Command[None], frozen=True):
    """Append ``text`` to the log of what was handled."""

    text: str


class Hold(Command[str], frozen=True):
    """Wait until the gate is open, then answer ``text``."""

    text: str


class Ask(Query[int], frozen=True):
    """Ask a counter for its value."""

    key: str
    kind: str = "counter"


class Place(Command[int], frozen=True):
    """One of a batch: return ``number``; 13 crashes the batch, 7 is refused."""

    number: int


class Take(Command[int], frozen=True):
    """Take a name, and grow by one; return the value. A name that is taken answers minus the value it was taken at."""

    name: str
    bad: str = ""  # "handler", "apply", "answer" or "reading": what crashes
    checked: bool = False  # with one more write before the others


class OpenLedger(Command[str], frozen=True):
    """Open another stream."""

    name: str


class Who(Query[tuple[str | None, str]], frozen=True):
    """Return the caller and the trace that arrived."""


class Store:
    """The journal, publisher and dead letters of a test: rows in memory, one transaction at a time.

    ``failures`` are raised by the next commits, one each (None: that one succeeds). A `TimeoutError` there is an
    unknown outcome: what it was given takes effect when ``lost_after_commit`` is set.
    """

    def __init__(self) -> None:
        self.streams: dict[str, list[Stored]] = {}
        self.rows: dict[str, tuple[int, int]] = {}  # stream -> (value, n)
        self.causes: set[str] = set()
        self.names: dict[str, int] = {}  # taken, and the value then
        self.commits: list[dict[str, Any]] = []
        self.published: list[Stored] = []
        self.letters: list[DeadLetter] = []
        self.failures: deque[Exception | None] = deque()
        self.lost_after_commit = False
        self.refuses_letters = False
        self.loads = 0
        self.open = asyncio.Event()  # commits wait for it
        self.open.set()

    async def commit(
        self, *, lane: str, cause: str, caller: str | None, events: Sequence[Stored], writes: Sequence[Any]
    ) -> list[list[Any]]:
        await self.open.wait()
        self._fail(lambda: self._take_effect(cause, events, writes))
        if self.causes & {cause, *(event.cause for event in events)}:
            raise DuplicateTurn(cause)
        lengths = {event.stream: len(self.streams.get(event.stream, ())) for event in events}
        for event in events:
            lengths[event.stream] += 1
            if event.n != lengths[event.stream]:
                raise ConnectionError("the stream has moved on")
        names = [write[1] for write in writes if write[0] == "name"]
        if len({*names, *self.names}) < len(names) + len(self.names):
            raise Refused("the name is taken")
        self.commits.append({"lane": lane, "cause": cause, "caller": caller, "events": events, "writes": writes})
        return self._take_effect(cause, events, writes)

    async def commit_together(
        self,
        *,
        statement: Any,
        args: Sequence[Any],
        follow: Callable[[list[Any]], Sequence[Any]] | None,
        told: Callable[[list[Any]], Any],
    ) -> list[Any]:
        await self.open.wait()
        self._fail(lambda: None)
        rows = list(args[0])
        self.commits.append({"statement": statement, "rows": rows, "follow": list(follow(rows)) if follow else None})
        told(rows)
        return rows

    def _fail(self, lost: Callable[[], Any]) -> None:
        failure = self.failures.popleft() if self.failures else None
        if isinstance(failure, TimeoutError) and self.lost_after_commit:
            lost()
        if failure is not None:
            raise failure

    def _take_effect(self, cause: str, events: Sequence[Stored], writes: Sequence[Any]) -> list[list[Any]]:
        self.causes |= {cause, *(event.cause or cause for event in events)}
        for event in events:
            self.streams.setdefault(event.stream, []).append(event)
        for write in writes:
            if write[0] == "row":
                self.rows[write[1]] = write[2]
            elif write[0] == "name":
                self.names[write[1]] = write[2]
        return [[write[-1]] for write in writes]

    def publish(self, events: Sequence[Stored]) -> None:
        self.published.extend(events)

    async def store(self, letter: DeadLetter) -> None:
        if self.refuses_letters:
            raise ConnectionError
        self.letters.append(letter)


class Counter(Entity[int]):
    """Owns a number. ``handled`` is what was handled, in order, of all counters."""

    kind = "counter"
    capacity = 100
    idle_seconds = 60.0

    def __init__(self, store: Store) -> None:
        self.store = store
        self.handled: list[str] = []
        self.gate = asyncio.Event()

    async def load(self, key: str) -> Snapshot[int] | None:
        self.store.loads += 1
        row = self.store.rows.get(self.stream(key))
        return None if row is None else Snapshot(*row)

    def apply(self, state: int | None, event: Event) -> int:
        assert isinstance(event, Added)
        if not event.by:
            raise RuntimeError("cannot be folded")
        return (state or 0) + event.by

    def save(self, key: str, state: int | None, n: int) -> Sequence[Any]:
        return [("row", self.stream(key), (state, n))]

    @handles(joins=True)
    def add(self, state: int | None, message: Add, turn: Turn) -> Decision[int]:
        return Decision(
            reply=(state or 0) + message.by, events=[Added(at=turn.now, by=message.by)], made=f"made-{turn.id}"
        )

    @handles(joins=True)
    def take(self, state: int | None, message: Take, turn: Turn) -> Decision[int]:
        if message.bad == "handler":
            raise RuntimeError("bad")

        async def found(refusal: DomainError) -> int:
            if message.bad == "reading":
                raise refusal
            return -self.store.names[message.name]

        def answer(rows: list[list[int]]) -> int:
            return rows[-2][0] // (message.bad != "answer")

        return Decision(
            answer=answer,
            refused=found,
            events=[Added(at=turn.now, by=1 if message.bad != "apply" else 0)],
            writes=[
                *([("check", message.name)] if message.checked else []),
                ("name", message.name, (state or 0) + 1),
                ("note", message.name),
            ],
        )

    @handles
    def get(self, state: int | None, message: Get, turn: Turn) -> int:
        return state or 0

    @handles
    def refuse(self, state: int | None, message: Refuse, turn: Turn) -> int:
        raise Refused("no", reason="principle")

    @handles
    def break_(self, state: int | None, message: Break, turn: Turn) -> None:
        self.handled.append("break")
        raise RuntimeError(f"broken by {message.password}")

    @handles
    def note(self, state: int | None, message: Note, turn: Turn) -> None:
        self.handled.append(message.text)

    @handles
    async def hold(self, state: int | None, message: Hold, turn: Turn) -> str:
        self.handled.append(message.text)
        await self.gate.wait()
        return message.text

    @handles
    def open_ledger(self, state: int | None, message: OpenLedger, turn: Turn) -> Decision[str]:
        return Decision(
            answer=lambda rows: rows[0][0],
            writes=[("plain", message.name)],
            opens=[Opened(f"ledger:{message.name}", Opening(at=turn.now))],
        )

    @handles
    def who(self, state: int | None, message: Who, turn: Turn) -> tuple[str | None, str]:
        return turn.caller.user_id, turn.traceparent


class Desk(Service):
    """Asks counters, holds, breaks, and places in batches. ``batches`` are the sizes that were decided together."""

    kind = "desk"
    asks = frozenset({"counter"})
    concurrency = 2
    capacity = 100

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.handled: list[str] = []
        self.batches: list[int] = []
        self.fails_to_settle = False
        self.forgets_a_reply = False
        self.find: Callable[[str, str], Ref]

    @handles
    async def ask(self, message: Ask, turn: Turn) -> int:
        return await self.find(message.kind, message.key).ask(Get(), turn.caller)

    @handles
    async def who(self, message: Who, turn: Turn) -> tuple[str | None, str]:
        return await self.find("counter", "who").ask(Who(), turn.caller)

    @handles
    async def hold(self, message: Hold, turn: Turn) -> str:
        self.handled.append(message.text)
        await self.gate.wait()
        return message.text

    @handles
    def break_(self, message: Break, turn: Turn) -> None:
        self.handled.append("break")
        raise RuntimeError("broken")

    @handles
    def note(self, message: Note, turn: Turn) -> None:
        self.handled.append(message.text)

    @handles
    def take(self, message: Take, turn: Turn) -> Decision[int]:
        async def found(refusal: DomainError) -> int:
            return -1

        return Decision(reply=1, refused=found, writes=[("name", message.name, 1)])

    @handles(together=10)
    def place(self, batch: Sequence[tuple[Place, Turn]]) -> Together[int]:
        numbers = [message.number for message, _ in batch]
        self.batches.append(len(numbers))
        if 13 in numbers:
            raise RuntimeError("unlucky")
        return Together(statement="place", args=[numbers], settle=self._settle)

    def _settle(self, rows: list[int]) -> Settled[int]:
        if self.fails_to_settle:
            raise RuntimeError("cannot settle")
        replies = [Refused("seven") if number == 7 else number for number in rows]
        del replies[: self.forgets_a_reply]
        return Settled(replies=replies, made=[None if number == 7 else f"made-{number}" for number in rows])
