"""What all actors have in common: a bounded mailbox that exists only while there is mail."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from actors.runtime.engine.turn import refuse_failed
from actors.runtime.envelope import CURRENT, Current, Envelope
from actors.runtime.errors import TimedOut

if TYPE_CHECKING:
    from actors.runtime.engine.office import Office

RUN = 256  # messages handled before the loop's other callbacks get their turn


class Cell(ABC):
    """One actor: its mail, and whether it is at work. ``office`` is what all actors of its kind share."""

    __slots__ = ("box", "busy", "key", "office", "round")

    def __init__(self, office: "Office", key: str) -> None:
        self.office = office
        self.key = key
        self.box: deque[Envelope] | None = None  # an empty deque is 760 bytes: an idle actor holds none
        self.busy = False  # a drain is scheduled, or a turn waits for something
        self.round = office.round  # the sweep in which it last had work

    @abstractmethod
    def drain(self) -> None:
        """Handle waiting mail until there is none or a turn has to wait."""

    @abstractmethod
    def restart(self, again: Envelope | None, delay_seconds: float) -> None:
        """Go on after a crash. ``again`` is the message to try once more."""

    def mail(self) -> Iterable[Envelope]:
        """What has not been started, oldest first."""
        return self.box or ()

    def leftovers(self) -> list[Envelope]:
        """Take out what has not been started."""
        left = list(self.mail())
        self.box = None
        return left

    def enter(self, envelope: Envelope) -> str:
        """Let what runs now be a turn of this kind: its asks are checked, its messages carry the trace on."""
        traceparent = envelope.traceparent
        CURRENT.set(Current(self.office.name, traceparent) if traceparent else self.office.untraced)
        return traceparent

    def put_back(self, envelope: Envelope) -> None:
        """Make a message the next one, whatever the bound says."""
        if self.box is None:
            self.box = deque()
        self.box.appendleft(envelope)
        self.office.started(-1)

    def expire(self, envelope: Envelope) -> None:
        """Drop a message whose asker waits no more: it is not started."""
        self.office.started(1)
        self.office.statistics.expired += 1
        envelope.refuse(TimedOut("not started before the deadline"))

    def answer_overdue(self, now: float) -> None:
        """Answer askers whose message still waits at its deadline."""
        for envelope in self.mail():
            if envelope.deadline is not None and envelope.deadline <= now:
                envelope.refuse(TimedOut("not started before the deadline"))

    def failed(self, envelope: Envelope, error: Exception) -> bool:
        """Answer for a turn that did not end well. Return whether it crashed: then the restart goes on from there."""
        crashed = refuse_failed(envelope, error)
        if crashed:
            self.office.crashed(self, envelope, error)
        return crashed
