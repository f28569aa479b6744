"""What lies in the streams: messages on their way to an actor, and answers on their way back."""

from asyncio import Future
from typing import Any, Protocol, TypeVar

import msgspec

from actors.runtime.engine.letters import is_secret
from actors.runtime.envelope import Envelope
from actors.runtime.message import reply_type
from actors.runtime.packing import Frame
from actors.runtime.transport import Destination

Answers = list[tuple[int, bytes | None]]
"""(the asker's number, the packed answer; None: a tell whose turn has ended)."""

GATE = b"g"  # no frame begins so, and no answer: MessagePack's arrays do not
SEALED = b"s"
POKE, MOVED = b"", b"moved"  # told to a house: read anew; look at the partitions anew
_encode = msgspec.msgpack.Encoder().encode
_decode_answers = msgspec.msgpack.Decoder(Answers).decode


class Seal(Protocol):
    """Encrypts what holds secrets, with a key that all houses have. ``row_id`` must be the same at both ends."""

    def close(self, content: bytes, row_id: str) -> bytes:
        """Encrypt."""
        ...

    def open(self, sealed: bytes, row_id: str) -> bytes:
        """Decrypt. Raises when it was sealed for something else."""
        ...


class Arrived(Envelope, gc=False):
    """An envelope that came from another house. It lies in its stream until its turn has ended."""

    entry: bytes = b""  # its id in the stream
    asker: int = 0  # the incarnation that asks
    number: int = 0  # the asker's number for it
    is_again: bool = False  # it may have been begun before, by an earlier owner


class Wire:
    """Packs and unpacks for one house."""

    def __init__(self, incarnation: int, seal: Seal | None) -> None:
        self._incarnation = incarnation
        self._seal = seal
        self._secretive: dict[Any, bool] = {}

    def pack(self, destination: Destination, key: str, envelope: Envelope, number: int, now_ms: float) -> bytes:
        """Return a message as an entry. Raises TypeError: it holds secrets, and there is no seal."""
        packing, deadline, expires_ms = destination.packing, envelope.deadline, None
        if deadline is not None:
            expires_ms = round(now_ms + (deadline - destination.clock.monotonic()) * 1000)
        body, is_sealed = packing.pack_message(envelope.message), self._holds_secrets(type(envelope.message))
        if is_sealed:
            body = self._sealed(body, envelope.id)
        return packing.pack(
            Frame(
                id=envelope.id, kind=destination.name, key=key, type=packing.wire_name(envelope.message), body=body,
                caller=envelope.caller, traceparent=envelope.traceparent, idempotency=envelope.idempotency,
                reply_to=self._incarnation, number=number, expires_ms=expires_ms, is_sealed=is_sealed,
            )
        )  # fmt: skip

    def unpack(
        self, destination: Destination, frame: Frame, entry: bytes, now_ms: float, reply: "Future[Any]"
    ) -> Arrived:
        """Return what arrived. Raises KeyError, `msgspec.DecodeError`: this version does not know such a message."""
        packing, clock = destination.packing, destination.clock
        body = self._opened(frame.body, frame.id) if frame.is_sealed else frame.body
        message, now = packing.unpack_message(frame.type, body), clock.monotonic()
        deadline = None if frame.expires_ms is None else now + (frame.expires_ms - now_ms) / 1000
        return Arrived(
            message=message, caller=frame.caller, handler=destination.handlers[type(message)], clock=clock, sent=now,
            traceparent=frame.traceparent, reply=reply, deadline=deadline, idempotency=frame.idempotency,
            cause=frame.id, attempt=frame.attempt, entry=entry, asker=frame.reply_to, number=frame.number,
        )  # fmt: skip

    def pack_answer(self, destination: Destination, message_type: Any, cause: str, answered: "Future[Any]") -> bytes:
        """Return what a turn answered, or why it did not."""
        error = answered.exception()
        if error is not None:
            return destination.packing.pack_error(error)
        data = destination.packing.pack_reply(answered.result())
        return self._sealed(data, cause) if self._holds_secrets(reply_type(message_type)) else data

    def unpack_answer(self, destination: Destination, envelope: Envelope, data: bytes) -> Any:
        """Return the reply. Raises the error that was packed."""
        message_type: Any = type(envelope.message)
        if data[:1] == SEALED and self._holds_secrets(reply_type(message_type)):
            data = self._opened(data, envelope.id)
        return destination.packing.unpack_answer(message_type, data)

    def _holds_secrets(self, some: Any) -> bool:
        found = self._secretive.get(some)
        if found is None:
            is_open = isinstance(some, TypeVar)
            found = self._secretive[some] = not is_open and holds_secrets(msgspec.inspect.type_info(some))
        return found

    def _sealed(self, body: bytes, row_id: str) -> bytes:
        if self._seal is None:
            raise TypeError("a message with secrets cannot leave the house: there is no seal")
        return SEALED + self._seal.close(body, row_id)

    def _opened(self, body: bytes, row_id: str) -> bytes:
        if self._seal is None:
            raise TypeError("a message with secrets cannot be read: there is no seal")
        return self._seal.open(body[1:], row_id)


def holds_secrets(kind: msgspec.inspect.Type, seen: frozenset[Any] = frozenset()) -> bool:
    """Whether values of a type may hold a `Secret`, however deep."""
    if is_secret(kind):
        return True
    if isinstance(kind, msgspec.inspect.Metadata):
        return holds_secrets(kind.type, seen)
    if isinstance(kind, msgspec.inspect.UnionType):
        return any(holds_secrets(one, seen) for one in kind.types)
    if isinstance(kind, msgspec.inspect.CollectionType):
        return holds_secrets(kind.item_type, seen)
    if isinstance(kind, msgspec.inspect.TupleType):
        return any(holds_secrets(one, seen) for one in kind.item_types)
    if isinstance(kind, msgspec.inspect.DictType):
        return holds_secrets(kind.value_type, seen)
    fields = getattr(kind, "fields", ())
    own = getattr(kind, "cls", kind.__class__)
    return own not in seen and any(holds_secrets(field.type, seen | {own}) for field in fields)


def pack_answers(answers: Answers) -> bytes:
    """Return answers for one house as an entry."""
    return _encode(answers)


def unpack_answers(data: bytes) -> Answers:
    """Raises `msgspec.DecodeError`."""
    return _decode_answers(data)


def gate(incarnation: int, epoch: int, count: int) -> bytes:
    """Return the entry behind which an owner's own mail may go straight to its actors."""
    return GATE + f"{incarnation}.{epoch}.{count}".encode()
