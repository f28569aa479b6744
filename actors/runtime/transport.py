"""How an envelope gets from a ref to its mailbox: a port, and the ways within one process."""

from asyncio import Future
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from actors.runtime.envelope import Envelope
from actors.runtime.errors import Overloaded
from actors.runtime.packing import Frame, Packing
from actors.runtime.ports import Clock

Deliver = Callable[[str, Envelope], None]
"""Takes an envelope for a key of one kind. Raises `Overloaded` when it is not accepted."""


class Destination(Protocol):
    """The mailboxes of one kind in one house, as a transport sees them."""

    name: str
    handlers: Any  # message type -> handler
    clock: Clock
    packing: Packing
    capacity: int  # of one mailbox
    is_entity: bool  # one actor per key in all houses together; otherwise one in each house

    def deliver(self, key: str, envelope: Envelope) -> None:
        """Accept an envelope. Raises `Overloaded`, `Unavailable`.

        An envelope with a ``deadline`` is an ask, one without a tell. ``reply``, where there is one, is done when
        the turn has ended for good: answered, refused, expired, or dead. So it acknowledges tells as well.
        """
        ...

    def admit(self) -> None:
        """Raise `Unavailable` while the house stops: nothing more is sent from it, but by turns that are finished."""
        ...

    def keep_deadline(self, envelope: Envelope) -> None:
        """Answer an ask `TimedOut` at its deadline, if nothing else has answered it before."""
        ...

    def vacate(self, chosen: Callable[[str], bool]) -> "Vacated":
        """Let go of the actors whose keys are chosen: idle ones are forgotten, and no waiting mail is started any more.

        Those with a turn under way end it; a message for one of them would start it anew beside itself.
        """
        ...


class AtWork(Protocol):
    """An actor that has been let go."""

    key: str

    @property
    def busy(self) -> bool:
        """Whether its turn is still under way."""
        ...


class Vacated(NamedTuple):
    """What was there when a house let go of actors."""

    at_work: Sequence[AtWork]
    mail: Sequence[tuple[str, Envelope]]  # key and message, in order for each key: not started, not answered


class Transport(Protocol):
    """Carries envelopes to the mailboxes of one kind, in order per sender and receiver.

    A transport that can lose an answer keeps the asker's deadline itself.
    """

    def way_to(self, destination: Destination) -> Deliver:
        """Return what senders call; in the end ``deliver`` is called in the house where the actor lives."""
        ...


class MemoryTransport:
    """The way within one process: frozen messages travel by reference, and nothing stands in between."""

    def way_to(self, destination: Destination) -> Deliver:
        """Return ``deliver`` itself: one more call would be a tenth of a tell."""
        return destination.deliver


class PackedMemoryTransport:
    """The way within one process for tests: every message and every answer goes through MessagePack.

    So what would not survive the way to another house does not survive a test. ``limit_bytes`` bounds the packed
    messages that are under way; by reference nothing is packed, and `Envelope`s are bounded by number alone.
    """

    def __init__(self, limit_bytes: int = 64 * 1024 * 1024) -> None:
        self.limit_bytes = limit_bytes
        self.under_way_bytes = 0

    def way_to(self, destination: Destination) -> Deliver:
        """Return a sender that packs, unpacks and delivers at once."""

        def send(key: str, envelope: Envelope) -> None:
            data = pack(destination, key, envelope)
            if self.under_way_bytes + len(data) > self.limit_bytes:
                raise Overloaded("too many bytes wait in this house")
            copy = unpack(destination, data)
            assert copy.reply is not None  # noqa: S101 - `unpack` has just made it
            copied = copy.reply
            destination.deliver(key, copy)
            self.under_way_bytes += len(data)

            def done(answered: "Future[Any]") -> None:
                self.under_way_bytes -= len(data)
                if not answered.cancelled():
                    pass_on(destination.packing, answered, envelope)

            def left(asked: "Future[Any]") -> None:
                if asked.cancelled() and not destination.is_entity:  # a service lives in the asker's house, and is told
                    copied.cancel()

            copied.add_done_callback(done)
            if envelope.reply is not None:
                envelope.reply.add_done_callback(left)

        return send


def pack(destination: Destination, key: str, envelope: Envelope) -> bytes:
    """Return an envelope as bytes."""
    packing = destination.packing
    remaining = None if envelope.deadline is None else envelope.deadline - destination.clock.monotonic()
    return packing.pack(
        Frame(
            id=envelope.id,
            kind=destination.name,
            key=key,
            type=packing.wire_name(envelope.message),
            body=packing.pack_message(envelope.message),
            caller=envelope.caller,
            remaining_seconds=remaining,
            traceparent=envelope.traceparent,
            attempt=envelope.attempt,
            idempotency=envelope.idempotency,
        )
    )


def unpack(destination: Destination, data: bytes) -> Envelope:
    """Return a new envelope, whose reply is a future of the running loop."""
    frame = destination.packing.unpack(data)
    message = destination.packing.unpack_message(frame.type, frame.body)
    now = destination.clock.monotonic()
    return Envelope(
        message,
        frame.caller,
        destination.handlers[type(message)],
        destination.clock,
        now,
        frame.traceparent,
        Future(),
        None if frame.remaining_seconds is None else now + frame.remaining_seconds,
        frame.idempotency,
        frame.id,
        frame.attempt,
    )


def pass_on(packing: Packing, answered: "Future[Any]", asked: Envelope) -> None:
    """Pack what a turn answered, unpack it, and give it to the asker."""
    error = answered.exception()
    data = packing.pack_reply(answered.result()) if error is None else packing.pack_error(error)
    if asked.reply is None:
        return
    try:
        asked.answer(packing.unpack_answer(type(asked.message), data))
    except Exception as unpacked:  # noqa: BLE001 - what comes out is the answer, whatever it is
        asked.refuse(unpacked)
