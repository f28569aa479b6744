"""How an envelope gets from a ref to its mailbox: a port, and the way within one process."""

from collections.abc import Callable
from typing import Protocol

from actors.runtime.envelope import Envelope


Deliver = Callable[[str, Envelope], None]
"""Takes an envelope for a key of one kind. Raises `Overloaded` when it is not accepted."""


class Transport(Protocol):
    """Carries envelopes to the mailboxes of one kind, in order per sender and receiver."""

    def way_to(self, kind: str, deliver: Deliver) -> Deliver:
        """Return what senders call; in the end ``deliver`` is called in the house where the actor lives."""
        ...


class MemoryTransport:
    """The way within one process: frozen messages travel by reference, and nothing stands in between."""

    def way_to(self, kind: str, deliver: Deliver) -> Deliver:
        """Return ``deliver`` itself: a call in between would cost a tenth of a tell."""
        return deliver
