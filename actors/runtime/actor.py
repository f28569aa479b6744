"""How a noun describes its behaviour: entity or service, handlers, and what a handler returns.

A handler decides; it does not write. It may read (its state, queries) and ask others, and returns either a plain
reply or a `Decision`. Only after COMMIT does the runtime fold the decision's events into the state and answer.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar, overload

import msgspec

from actors.runtime.errors import DomainError
from actors.runtime.message import Caller, Command, Event, Query
from actors.runtime.ports import Stored

S = TypeVar("S")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


class Idempotency(NamedTuple):
    """The caller's promise that this is the same request as any other with the same key."""

    route: str
    key: str
    body_hmac: bytes


@dataclass(frozen=True, slots=True)
class Turn:
    """What a handler may know about the message beside the message itself. The runtime hands in its `Envelope`."""

    id: str  # the envelope's id: the cause of every event this turn makes
    caller: Caller
    now: datetime  # UTC, one moment for the whole turn
    deadline: float | None  # on the monotonic clock; None for tell
    idempotency: Idempotency | None = None
    traceparent: str = ""  # W3C trace context; "" when nobody traces

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody waits for the answer any more: who asked has left, or was told that the deadline is over."""
        return False

    def on_abandoned(self, callback: Callable[[], None]) -> None:
        """Call back once nobody waits any more; after the answer, too."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The first event (n = 1) of another stream: a turn may open a stream, never append to one it does not own."""

    stream: str
    event: Event


class Decision(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """What one turn wants: executed in one transaction, then answered.

    ``events`` are appended to the entity's own stream and folded into its state. Each has the turn as its cause, unless
    ``causes`` names another for each of them: what came several at once can then still be told apart by its source.
    ``writes`` are the journal's (`storage.journal.Write`). ``answer`` turns the rows of the writes into the reply
    where rows are needed for it.
    ``made`` is the id of the object that an idempotency key stands for.
    ``refused`` makes the answer when the commit is refused with a `DomainError`: nothing has changed, and it may read
    ("insert or find": a constraint says that the row is there, the answer is that row). It raises what it is given
    where that is the answer.
    """

    reply: R | None = None
    answer: Callable[[list[list[Any]]], R] | None = None
    refused: Callable[[DomainError], Awaitable[R]] | None = None
    events: Sequence[Event] = ()
    causes: Sequence[str] = ()
    writes: Sequence[Any] = ()
    opens: Sequence[Opened] = ()
    made: str | None = None
    after: Callable[[], None] | None = None  # runs after COMMIT, before the reply; wakes waiters, must not raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(Generic[R]):
    """What the rows of a shared statement mean for each turn of the batch, in the order of the batch."""

    replies: Sequence[R | DomainError]
    events: Sequence[Stored] = ()  # for the publisher
    stored: Sequence[Stored | None] | None = None
    """What the statement has stored under the ``seq`` of each of its rows, also for the publisher: whoever follows the
    event table is spared to read it. None: only the table knows."""
    made: Sequence[str | None] | None = None  # per turn: id for its idempotency key; None: keep no key
    after: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Together(Generic[R]):
    """A batch of turns of a shared noun, decided as one fenced statement (`storage.journal`)."""

    statement: Any
    args: Sequence[Any]
    settle: Callable[[list[Any]], Settled[R]]


class Snapshot(NamedTuple, Generic[S]):
    """An entity as its rows hold it: its state and the number of the last event of its stream."""

    state: S
    n: int


@overload
def handles(method: F, /) -> F: ...
@overload
def handles(*, together: int) -> Callable[[F], F]: ...
@overload
def handles(*, joins: bool) -> Callable[[F], F]: ...
def handles(method: Any = None, /, *, together: int = 0, joins: bool = False) -> Any:
    """Mark a method as the handler of the message type that its signature names.

    Entity: ``(self, state, message: M, turn) -> R | Decision[R]``.
    Service: ``(self, message: M, turn) -> R | Decision[R]``.
    With ``together=N`` (services only): ``(self, batch: Sequence[tuple[M, Turn]]) -> Together[R]``
    gets up to N waiting messages of its type at once and answers each.
    Plain functions are run without a task; ``async def`` where the handler must read or ask.

    With ``joins=True`` (plain functions of entities only) messages that wait together become one turn: each is decided
    on the state that those before it would make, all are committed at once, and nobody is answered before. When that
    is refused, nothing has changed, and each is decided again, alone and in order. Plain handlers of queries join by
    themselves; any other handler waits until the turn is over. Who marks a handler so promises:

    * it may run twice for one message: it does nothing but decide;
    * writes of different messages may be merged, and run as columns: the last write of each stands side by side, and
      before it the last but one (so what not every message needs comes first). So they do not change the same row,
      unless the statement takes care of that (an upsert of the larger value), or ``expect`` or a constraint refuses it;
    * every ``expect`` has an ``otherwise``: without it, a refusal looks like a stream that has moved on.
    """

    def mark(function: Any) -> Any:
        function.handles_together = together
        function.handles_joins = joins
        return function

    return mark(method) if method is not None else mark


class Actor:
    """What entities and services have in common. One behaviour object per kind serves every key."""

    kind: ClassVar[str]
    asks: ClassVar[frozenset[str]] = frozenset()
    """Kinds that handlers ask. The graph of all kinds must be acyclic; against it only tell and events go."""
    capacity: ClassVar[int | None] = None
    """Mailbox bound; beyond it senders get `Overloaded`. None: as the house has it (1,000)."""


class Entity(Actor, Generic[S]):
    """One instance per key, one message at a time; activated from its rows, passivated when idle.

    Owned rows: this actor alone writes them, so the state in memory is the coherent cache.
    """

    idle_seconds: ClassVar[float] = 60.0
    durable: ClassVar[bool] = True
    """False: no rows and no events; handlers may change the state in place."""

    def load(self, key: str) -> "Awaitable[Snapshot[S] | None] | Snapshot[S] | None":
        """Read the entity from its rows; None when it does not exist (yet)."""
        raise LookupError(key)

    def apply(self, state: S | None, event: Event) -> S | None:  # noqa: ARG002 - for those who override
        """Fold one event into the state. Pure: `verify` replays with it. None: the entity is gone."""
        raise TypeError(type(event).__name__)

    def stream(self, key: str) -> str:
        """The name of the entity's event stream."""
        return f"{self.kind}:{key}"

    def save(self, key: str, state: S | None, n: int) -> Sequence[Any]:  # noqa: ARG002 - for those who override
        """The writes that make the entity's row equal to ``state`` at event ``n``; part of every turn with events."""
        raise LookupError(key)


class Service(Actor):
    """One instance per house, stateless, up to ``concurrency`` messages at a time."""

    concurrency: ClassVar[int] = 16


class Ref:
    """The address of an actor. Cheap to make, safe to keep: it never goes stale. Made by `System.ref`."""

    __slots__ = ("_office", "key")

    def __init__(self, office: "Reaches", key: str) -> None:
        self._office = office
        self.key = key

    @property
    def kind(self) -> str:
        """What kind of actor this is the address of."""
        return self._office.name

    def ask(
        self,
        message: Command[R] | Query[R],
        caller: Caller,
        timeout_seconds: float = 5.0,
        idempotency: Idempotency | None = None,
        cause: str | None = None,
    ) -> Awaitable[R]:
        """Send and wait for the answer.

        Returns a future (a coroutine around it would cost 0.2 us), so nothing waits in line to be sent. The options
        are to be given by name; that Python does not insist on it saves 40 ns.

        Awaiting raises whatever `DomainError` the actor answers; `Overloaded` (not accepted), `TimedOut` (unknown
        outcome), `Unavailable` (nothing changed), `Internal` (crashed). Cancelling the wait does not stop the turn.
        ``cause`` names the turn (default: a new id); the same cause takes effect once: when it has before, the
        answer is None for a ``Command[None]``, else `AlreadyDone`.

        Raises:
            TypeError: the actor has no handler for the message.
            AskNotDeclared: called from inside an actor whose ``asks`` do not name this kind.
        """
        return self._office.ask(self.key, message, caller, timeout_seconds, idempotency, cause)

    def tell(self, message: Command[Any], caller: Caller) -> None:
        """Send and forget: at most once, in order per sender and receiver.

        Raises `Overloaded`; `Unavailable` when the house stops; TypeError: the actor has no handler for the message.
        """
        self._office.tell(self.key, message, caller)


class Reaches(Protocol):
    """What a ref needs of the runtime."""

    name: str

    def ask(
        self,
        key: str,
        message: Any,
        caller: Caller,
        timeout_seconds: float,
        idempotency: Idempotency | None,
        cause: str | None,
    ) -> Awaitable[Any]:
        """See `Ref.ask`."""
        ...

    def tell(self, key: str, message: Any, caller: Caller) -> None:
        """See `Ref.tell`."""
        ...
