"""What this house has sent to others, and has not heard the end of."""

from collections.abc import Iterable
from typing import NamedTuple

from actors.runtime.envelope import Envelope
from actors.runtime.errors import DomainError, Overloaded, TimedOut, Unavailable
from actors.runtime.message import Query
from actors.runtime.streams.wire import Wire
from actors.runtime.transport import Destination

TELL_SECONDS = 60.0  # after which nobody counts on hearing the end of a tell
ASK_SECONDS = 5.0  # beyond an ask's deadline


class Sent(NamedTuple):
    """One message under way."""

    envelope: Envelope
    destination: Destination
    key: str
    size: int
    forget_at: float  # on the loop's clock


class Asked:
    """Messages by their number, and bounds on how many there may be.

    Of each actor one message may be at work; the others wait: no more than its mailbox holds, and ``capacity`` in all.
    """

    def __init__(self, wire: Wire, capacity: int, limit_bytes: int) -> None:
        self._wire = wire
        self._capacity = capacity
        self._limit_bytes = limit_bytes
        self._sent: dict[int, Sent] = {}
        self._under_way: dict[tuple[str, str], int] = {}
        self._bytes = 0
        self.number = 0
        """The last one given; they only grow."""

    def __len__(self) -> int:
        return len(self._sent)

    def check(self, destination: Destination, key: str) -> None:
        """Raise `Overloaded` when no more may be sent to an actor."""
        if self._under_way.get((destination.name, key), 0) > destination.capacity:
            raise Overloaded(f"the mailbox of {destination.name} is full")
        if len(self._sent) - len(self._under_way) >= self._capacity:
            raise Overloaded("too much waits in other houses")
        if self._bytes >= self._limit_bytes:
            raise Overloaded("too many bytes wait in other houses")

    def add(self, destination: Destination, key: str, envelope: Envelope, size: int, now: float) -> None:
        """Remember what was sent as `self.number`."""
        address = destination.name, key
        self._under_way[address] = self._under_way.get(address, 0) + 1
        self._bytes += size
        left = TELL_SECONDS
        if envelope.deadline is not None:
            left = envelope.deadline - destination.clock.monotonic() + ASK_SECONDS
        self._sent[self.number] = Sent(envelope, destination, key, size, now + left)

    def settle(self, number: int, data: bytes | None) -> None:
        """Take an answer; one that nobody waits for (any more) is nothing."""
        sent = self._pop(number)
        if sent is None or data is None:
            return
        try:
            reply = self._wire.unpack_answer(sent.destination, sent.envelope, data)
        except Exception as error:  # noqa: BLE001 - what comes out is the answer, whatever it is
            sent.envelope.refuse(error)
        else:
            sent.envelope.answer(reply)

    def lost(self, numbers: Iterable[int], *, is_unknown: bool) -> None:
        """Refuse messages that were lost on their way. When nobody knows, only what changes nothing may be retried."""
        for number in numbers:
            sent = self._pop(number)
            if sent is not None:
                sent.envelope.refuse(refusal(sent.envelope, is_unknown=is_unknown))

    def give_up(self) -> None:
        """Refuse all asks: their answers cannot come."""
        self.lost([number for number, sent in self._sent.items() if sent.envelope.is_ask], is_unknown=True)

    def sweep(self, now: float) -> None:
        """Forget what will not be heard of any more."""
        for number in [number for number, sent in self._sent.items() if sent.forget_at <= now]:
            self._pop(number)

    def _pop(self, number: int) -> Sent | None:
        sent = self._sent.pop(number, None)
        if sent is not None:
            self._bytes -= sent.size
            address = sent.destination.name, sent.key
            self._under_way[address] -= 1
            if not self._under_way[address]:
                del self._under_way[address]
        return sent


def refusal(envelope: Envelope, *, is_unknown: bool) -> DomainError:
    """Say that a message was lost with the streams; after `Unavailable` it may be sent again."""
    if is_unknown and not isinstance(envelope.message, Query):
        return TimedOut("what carries mail between houses went away: the outcome is unknown")
    return Unavailable("what carries mail between houses is away")
