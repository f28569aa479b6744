"""Everything the actors of one kind share: behaviour, handlers, cells, counters, and the way in."""

from asyncio import Future
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import Actor, Entity, Idempotency, Service, Snapshot
from actors.runtime.engine.entity import EntityCell
from actors.runtime.envelope import CURRENT, Current, Envelope
from actors.runtime.errors import DomainError
from actors.runtime.engine.kind import Handlers
from actors.runtime.message import Caller
from actors.runtime.engine.service import ServiceCell
from actors.runtime.engine.statistics import Statistics

if TYPE_CHECKING:
    from actors.runtime.system import System

AnyCell = EntityCell | ServiceCell


class Office:
    """See the module."""

    def __init__(self, house: "System", behaviour: Actor) -> None:
        self.house = house
        self.behaviour: Any = behaviour
        self.name = behaviour.kind
        self.capacity = behaviour.capacity
        self.handlers = Handlers(behaviour)
        self.cells: dict[str, AnyCell] = {}
        self.statistics = Statistics()
        self.monotonic = house.clock.monotonic
        self.round = 0
        self._cell: Callable[[Office, str], AnyCell] = ServiceCell if isinstance(behaviour, Service) else EntityCell
        self._loads = isinstance(behaviour, Entity) and (behaviour.durable or type(behaviour).load is not Entity.load)

    def ask(
        self,
        key: str,
        message: Any,
        caller: Caller,
        timeout_seconds: float,
        idempotency: Idempotency | None,
        cause: str | None,
    ) -> "Future[Any]":
        """See `Ref.ask`."""
        house = self.house
        reply = house.create_future()
        current = CURRENT.get()
        deadline = self.monotonic() + timeout_seconds
        envelope = Envelope(
            message,
            caller,
            self.handlers[type(message)],
            house.clock,
            reply,
            deadline,
            idempotency,
            "" if current is None else current.traceparent,
            house.time,
            0,
            cause,
        )
        try:
            if current is not None and current.kind is not None:
                house.asks_from(current.kind, self.name, reply)
            self.send(key, envelope, current)
        except DomainError as error:
            reply.set_exception(error)
        else:
            house.wheel.watch(reply, deadline)
        return reply

    def tell(self, key: str, message: Any, caller: Caller) -> None:
        """See `Ref.tell`."""
        house, current = self.house, CURRENT.get()
        traceparent = "" if current is None else current.traceparent
        self.send(
            key,
            Envelope(
                message, caller, self.handlers[type(message)], house.clock, None, None, None, traceparent, house.time
            ),
            current,
        )

    def send(self, key: str, envelope: Envelope, current: Current | None) -> None:
        """Give the envelope to the transport. Raises `Overloaded`, `Unavailable`."""
        house = self.house
        if house.is_closed and (not house.is_finishing or current is None or current.kind is None):
            house.refuse_stopping()
        house.transport.send(self, key, envelope)

    def deliver(self, key: str, envelope: Envelope) -> None:
        """Put an envelope into its mailbox. Raises `Overloaded`."""
        house = self.house
        if house.waiting >= house.capacity:
            house.refuse_full()
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = self._cell(self, key)
        cell.post(envelope)
        house.waiting += 1

    def load(self, key: str) -> "Awaitable[Snapshot[Any] | None] | Snapshot[Any] | None":
        """Read an entity; one without rows begins with nothing."""
        loaded: Awaitable[Snapshot[Any] | None] | Snapshot[Any] | None = (
            self.behaviour.load(key) if self._loads else None
        )
        return loaded

    def call_soon(self, callback: Callable[..., None], *args: Any) -> None:
        """Run a callback of the kind's actors, outside the sender's context."""
        self.house.call_soon(callback, *args)

    def spawn(self, turn: Coroutine[Any, Any, None]) -> None:
        """Run a turn that has to wait, in a task."""
        self.house.spawn(turn)

    def call_later(self, delay_seconds: float, callback: Callable[[], None]) -> None:
        """Call back after a delay, as exact as the tick."""
        self.house.wheel.call_at(self.house.time + delay_seconds, callback)

    def started(self, count: int) -> None:
        """Count messages that have left a mailbox."""
        self.house.waiting -= count

    def crashed(self, cell: AnyCell, envelope: Envelope, error: Exception, *, again: bool) -> None:
        """See `System.crashed`."""
        self.house.crashed(self, cell, envelope, error, again=again)
