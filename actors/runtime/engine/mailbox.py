"""What entities and services have in common: a bounded mailbox that exists only while there is mail."""

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from actors.runtime.envelope import Envelope
from actors.runtime.errors import DomainError, Overloaded, Unavailable

if TYPE_CHECKING:
    from actors.runtime.engine.office import Office

RUN = 256  # messages handled before the loop's other callbacks get their turn


class Cell:
    """One actor: its mail, and whether it is at work. ``office`` is what all actors of its kind share."""

    __slots__ = ("box", "busy", "key", "office", "round")

    def __init__(self, office: "Office", key: str) -> None:
        self.office = office
        self.key = key
        self.box: deque[Envelope] | None = None  # an empty deque is 760 bytes: an idle actor holds none
        self.busy = False  # a drain is scheduled, or a turn waits for something
        self.round = 0  # the sweep in which it last had work

    def post(self, envelope: Envelope) -> None:
        """Accept mail. Raises `Overloaded`."""
        box = self.box
        if box is None:
            box = self.box = deque()
        elif len(box) >= self.office.capacity:
            raise Overloaded(f"the mailbox of {self.office.name} is full")
        box.append(envelope)
        if not self.busy:
            self.busy = True
            self.office.call_soon(self.drain)

    def drain(self) -> None:
        """Handle waiting mail until there is none or a turn has to wait."""
        raise NotImplementedError

    def mail(self) -> Iterable[Envelope]:
        """What has not been started, oldest first."""
        return self.box or ()

    def leftovers(self) -> list[Envelope]:
        """Take out what has not been started."""
        left = list(self.mail())
        self.box = None
        return left


def refusal(error: Exception) -> DomainError | None:
    """What the asker hears when a turn did not crash but could not be done either; None for a crash."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, ConnectionError | TimeoutError):
        return Unavailable()
    return None
