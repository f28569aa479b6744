"""Everything the actors of one kind share: behaviour, handlers, cells, counters, and the way in."""

from abc import ABC, abstractmethod
from asyncio import Future
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import Actor, Idempotency
from actors.runtime.engine.kind import Handlers
from actors.runtime.engine.mailbox import Cell
from actors.runtime.engine.statistics import Statistics
from actors.runtime.envelope import CURRENT, Current, Envelope
from actors.runtime.errors import DomainError, Overloaded
from actors.runtime.message import Caller
from actors.runtime.packing import Packing
from actors.runtime.transport import Transport, Vacated

if TYPE_CHECKING:
    from actors.runtime.system import System


class Office(ABC):
    """See the module."""

    is_entity = False

    def __init__(self, house: "System", behaviour: Actor) -> None:
        self.house = house
        self.behaviour: Any = behaviour
        self.name = behaviour.kind
        self.untraced = Current(self.name, "")
        self.capacity = behaviour.capacity or house.mailbox_capacity
        self.handlers = Handlers(behaviour)
        self.cells: dict[str, Cell] = {}
        self.statistics = Statistics()
        self.monotonic = house.clock.monotonic
        self.clock = house.clock
        self.turns = 0  # that wait for something
        self.round = 0  # of sweeps: an actor without work through a whole one is passivated

    def open(self, transport: Transport, packing: Packing) -> None:
        """Let messages in."""
        self.packing = packing
        self._send = transport.way_to(self)

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
        current, traceparent = CURRENT.get(), ""
        if current is not None:
            traceparent = current.traceparent
            if current.kind is not None:
                house.check_ask(current.kind, self.name, reply)
        envelope = Envelope(
            message,
            caller,
            self.handlers[type(message)],
            house.clock,
            house.time,
            traceparent,
            reply,
            self.monotonic() + timeout_seconds,
            idempotency,
            cause,
        )
        try:
            self._send(key, envelope)
        except DomainError as error:
            reply.set_exception(error)
        return reply

    def tell(self, key: str, message: Any, caller: Caller) -> None:
        """See `Ref.tell`."""
        house, current = self.house, CURRENT.get()
        traceparent = "" if current is None else current.traceparent
        self._send(key, Envelope(message, caller, self.handlers[type(message)], house.clock, house.time, traceparent))

    def deliver(self, key: str, envelope: Envelope) -> None:
        """Put an envelope into its mailbox. Raises `Overloaded`, `Unavailable` while the house stops."""
        house = self.house
        if house.waiting >= house.limit:
            house.refuse()
        try:
            cell = self.cells[key]
        except KeyError:
            cell = self.open_cell(key, envelope)
        box = cell.box  # `Cell.post` in place: its call is 60 ns
        if box is None:
            box = cell.box = deque()
        elif len(box) >= self.capacity:
            raise Overloaded(f"the mailbox of {self.name} is full")
        box.append(envelope)
        house.waiting += 1
        if not cell.busy:
            cell.busy = True
            house.working.add(cell)
            house.call_soon(cell.drain)
            if house.rests:
                house.wake()
                envelope.sent = house.time  # it had the time at which the rest began

    @abstractmethod
    def open_cell(self, key: str, envelope: Envelope) -> Cell:
        """Make the actor that an envelope is the first for."""

    def admit(self) -> None:
        """See `Destination.admit`."""
        if self.house.limit < 0:
            self.house.refuse()

    def keep_deadline(self, envelope: Envelope) -> None:
        """See `Destination.keep_deadline`."""
        house = self.house
        if envelope.reply is not None and envelope.deadline is not None:
            house.wheel.watch(envelope.reply, envelope.deadline)
            if house.rests:
                house.wake()

    def vacate(self, chosen: Callable[[str], bool]) -> Vacated:
        """See `Destination.vacate`."""
        at_work, mail = [], []
        for key in [key for key in self.cells if chosen(key)]:
            cell = self.cells.pop(key)
            left = cell.leftovers()
            self.started(len(left))
            mail += [(key, envelope) for envelope in left]
            if cell.busy:
                at_work.append(cell)
        return Vacated(at_work, mail)

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Run a callback of the kind's actors, outside the sender's context."""
        self.house.call_soon(callback)

    def begin(self, started: Envelope | Sequence[Envelope] | None, turn: Coroutine[Any, Any, None]) -> None:
        """Run a turn that has to wait in a task, and keep the deadlines of what it has ``started``.

        What is answered in the run that takes it out of its mailbox never gets here: 0.3 us less for a hot ask.
        """
        house = self.house
        for envelope in (started,) if isinstance(started, Envelope) else started or ():
            if envelope.reply is not None and envelope.deadline is not None:
                house.wheel.watch(envelope.reply, envelope.deadline)
        self.turns += 1
        house.spawn(turn).add_done_callback(self._turn_ended)

    def _turn_ended(self, _: object) -> None:
        self.turns -= 1

    def call_later(self, delay_seconds: float, callback: Callable[[], None]) -> None:
        """Call back after a delay, as exact as the tick."""
        house = self.house
        if house.rests:
            house.wake()
        house.wheel.call_at(house.time + delay_seconds, callback)

    def resume_later(self, cell: Cell, delay_seconds: float) -> None:
        """Let a crashed entity go on after its backoff; its mail waits, with deadlines kept."""
        self.call_later(delay_seconds, cell.drain)

    def started(self, count: int) -> None:
        """Count messages that have left a mailbox (negative: that came back)."""
        self.house.waiting -= count

    def crashed(self, cell: Cell, envelope: Envelope, error: Exception) -> None:
        """See `System.crashed`."""
        self.house.crashed(self, cell, envelope, error)

    def sweep(self, now: float) -> None:  # noqa: B027 - an office of a service has nothing to forget
        """Forget actors that have had nothing to do; services stay."""

    def due_at(self) -> float:
        """When `sweep` has something to do again (monotonic); infinite: not before there is mail."""
        return inf

    def leftovers(self) -> list[Envelope]:
        """Take out all mail that has not been started."""
        left = [envelope for cell in self.cells.values() for envelope in cell.leftovers()]
        self.started(len(left))
        return left

    def figures(self, now: float) -> dict[str, Any]:
        """See `System.statistics`."""
        mail = [envelope.sent for cell in self.house.working if cell.office is self for envelope in cell.mail()]
        return {
            "depth": len(mail),
            "oldest_seconds": max(0.0, now - min(mail)) if mail else 0.0,
            "turns": self.turns,
            "actors": len(self.cells),
            **self.statistics.as_dict(),
        }
