"""How an envelope gets from a ref to its mailbox: a port, and the way within one process."""

from typing import TYPE_CHECKING, Protocol

from actors.runtime.envelope import Envelope

if TYPE_CHECKING:
    from actors.runtime.engine.office import Office


class Transport(Protocol):
    """Carries envelopes, in order per sender and receiver, to `Office.deliver`."""

    def send(self, office: "Office", key: str, envelope: Envelope) -> None:
        """Take an envelope on its way. Raises `Overloaded` when it is not accepted."""
        ...


class MemoryTransport:
    """Frozen messages travel by reference."""

    def send(self, office: "Office", key: str, envelope: Envelope) -> None:
        """Deliver at once. Raises `Overloaded`."""
        office.deliver(key, envelope)
