"""What is special about the office of a kind of entities, and of a service."""

from collections.abc import Awaitable
from math import inf
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import Actor, Entity, Snapshot
from actors.runtime.engine.batch import BatchCell
from actors.runtime.engine.entity import EntityCell
from actors.runtime.engine.mailbox import Cell
from actors.runtime.engine.office import Office
from actors.runtime.engine.service import ServiceCell
from actors.runtime.envelope import Envelope

if TYPE_CHECKING:
    from actors.runtime.system import System

SLICE = 20_000  # actors looked at per tick: 1 ms


def office_of(house: "System", behaviour: Actor) -> Office:
    """Return the office that fits a behaviour."""
    return EntityOffice(house, behaviour) if isinstance(behaviour, Entity) else ServiceOffice(house, behaviour)


class EntityOffice(Office):
    """Actors come and go by key."""

    is_entity = True

    def __init__(self, house: "System", behaviour: Entity[Any]) -> None:
        super().__init__(house, behaviour)
        self._loads = behaviour.durable or type(behaviour).load is not Entity.load
        self._next_round_at = house.time
        self._to_sweep: list[Cell] = []

    def open_cell(self, key: str, envelope: Envelope) -> Cell:  # noqa: ARG002 - services look at it
        """Make the actor that an envelope is the first for; it loads itself."""
        cell = self.cells[key] = EntityCell(self, key)
        return cell

    def load(self, key: str) -> "Awaitable[Snapshot[Any] | None] | Snapshot[Any] | None":
        """Read an entity. One that is not durable begins with nothing, unless it says how."""
        loaded: Awaitable[Snapshot[Any] | None] | Snapshot[Any] | None = None
        if self._loads:
            loaded = self.behaviour.load(key)
        return loaded

    def sweep(self, now: float) -> None:
        """Passivate entities that were idle for ``idle_seconds`` (at most twice that), a slice at a time."""
        if now >= self._next_round_at:
            self._next_round_at = now + self.behaviour.idle_seconds
            self.round += 1
            self._to_sweep = list(self.cells.values())
        looked_at, self._to_sweep = self._to_sweep[-SLICE:], self._to_sweep[:-SLICE]
        for cell in looked_at:
            if not cell.busy and cell.round < self.round - 1 and self.cells.get(cell.key) is cell:
                del self.cells[cell.key]

    def due_at(self) -> float:
        """See `Office.due_at`."""
        if self._to_sweep:
            return self.house.time
        return self._next_round_at if self.cells else inf


class ServiceOffice(Office):
    """One actor, and one mailbox more for every kind of message that is handled together."""

    def deliver(self, key: str, envelope: Envelope) -> None:
        """See `Office.deliver`."""
        super().deliver(envelope.handler.mailbox or key, envelope)

    def open_cell(self, key: str, envelope: Envelope) -> Cell:
        """Make the mailbox that an envelope is the first for."""
        handler = envelope.handler
        cell = self.cells[key] = BatchCell(self, handler) if handler.together else ServiceCell(self, key)
        return cell
