"""A partition that this house owns: how far its stream was read, and what is under way here."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from actors.runtime.envelope import Envelope
from actors.runtime.streams.wire import Arrived
from actors.runtime.transport import AtWork, Destination

MOST_WAITING = 10_000


class Waiting(NamedTuple):
    """A message of this house that waits for the gate."""

    destination: Destination
    key: str
    envelope: Envelope


class Owned:
    """See the module.

    ``gate`` is an entry that this house appended when it became the owner, behind all that it had sent there before.
    Until it is read, messages of this house wait: so they do not overtake those.
    """

    __slots__ = (
        "at_work", "busy_at", "epoch", "gate", "gate_sent_at", "hand", "heard", "is_closing", "is_open", "last",
        "number", "sent_before", "stream", "waiting",
    )  # fmt: skip

    def __init__(self, number: int, epoch: int, sent_before: int = 0) -> None:
        self.number, self.epoch = number, epoch
        self.sent_before = sent_before  # this house's messages up to this number lie before the gate, if anywhere
        self.stream = f"mb:{number}"
        self.last = b"0"  # read up to here
        self.busy_at = 0.0  # when the latest mail came, on the loop's clock
        self.hand: dict[bytes, Arrived | None] = {}  # read and not deleted yet; None: its turn has ended
        self.heard: dict[int, int] = {}  # house -> the highest number of its messages: a lower one is late
        self.gate, self.gate_sent_at = b"", 0.0
        self.is_open = False
        self.is_closing = False
        self.waiting: deque[Waiting] = deque()
        self.at_work: Sequence[AtWork] = ()  # when it began to close

    @property
    def is_idle(self) -> bool:
        """Whether nothing of it is under way."""
        return not self.hand and not any(actor.busy for actor in self.at_work)

    @property
    def has_ended(self) -> bool:
        """Whether no turn of it is under way, be it settled or not."""
        return not any(self.hand.values()) and not any(actor.busy for actor in self.at_work)
