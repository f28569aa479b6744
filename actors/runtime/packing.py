"""Envelopes, replies and errors as MessagePack, for transports that leave the process and for tests that act as if."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, TypeVar

import msgspec

from actors.runtime.actor import Idempotency
from actors.runtime.errors import DomainError, Internal
from actors.runtime.message import Caller, reply_type


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """An envelope on the wire. New fields go to the end, with defaults: an old house may meet a newer one's mail."""

    id: str
    kind: str
    key: str
    type: str  # see `name_of`
    body: bytes  # MessagePack of the message
    caller: Caller
    remaining_seconds: float | None = None  # until the deadline: monotonic clocks differ; None for tell
    traceparent: str = ""
    attempt: int = 0
    idempotency: Idempotency | None = None
    reply_to: int = 0  # between houses: the incarnation of the one that asks
    number: int = 0  # its number for this message; they only grow
    expires_ms: int | None = None  # the deadline on the clock that all houses share; None for tell
    is_sealed: bool = False  # the body holds secrets, and is encrypted


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What comes back: a reply, or an error by the name of its class."""

    reply: msgspec.Raw = msgspec.Raw(b"\xc0")
    error: str = ""
    detail: str = ""
    attributes: dict[str, Any] = {}


def name_of(some: type) -> str:
    """Return ``module_tail.ClassName``: stable when packages move, unique since a noun has one module."""
    return f"{some.__module__.rpartition('.')[2]}.{some.__qualname__}"


def error_types() -> Iterator[type[DomainError]]:
    """Every `DomainError` that is defined."""
    found = [DomainError]
    while found:
        error_type = found.pop()
        found.extend(error_type.__subclasses__())
        yield error_type


@cache
def decoder(some: Any) -> "msgspec.msgpack.Decoder[Any]":
    """The decoder of a type; a reply type that is still a variable takes anything."""
    return msgspec.msgpack.Decoder(Any if isinstance(some, TypeVar) else some)


class Packing:
    """Packs what the given message types, their replies and all domain errors need."""

    def __init__(self, message_types: Iterable[type]) -> None:
        """Raises ValueError: two types share a name."""
        self._types: dict[str, type] = {}
        self._names: dict[type, str] = {}
        for message_type in message_types:
            if self._types.setdefault(name_of(message_type), message_type) is not message_type:
                raise ValueError(f"two message types are called {name_of(message_type)}")
        self._encode = msgspec.msgpack.Encoder().encode

    def wire_name(self, message: Any) -> str:
        """The name a message travels under: its own, or that of the parent that is registered."""
        name = self._names.get(type(message))
        return self._name(type(message)) if name is None else name

    def _name(self, message_type: type) -> str:
        for parent in message_type.__mro__:
            if self._types.get(name_of(parent)) is parent:
                name = self._names[message_type] = name_of(parent)
                return name
        raise TypeError(f"{name_of(message_type)} is not registered")

    def pack(self, frame: Frame) -> bytes:
        """Return the frame as bytes."""
        return self._encode(frame)

    def unpack(self, data: bytes) -> Frame:
        """Raises `msgspec.DecodeError`."""
        frame: Frame = decoder(Frame).decode(data)
        return frame

    def pack_message(self, message: Any) -> bytes:
        """Return a message's body."""
        return self._encode(message)

    def unpack_message(self, type_name: str, body: bytes) -> Any:
        """Raises KeyError: an unknown type; `msgspec.DecodeError`: a body that does not fit."""
        return decoder(self._types[type_name]).decode(body)

    def pack_reply(self, reply: Any) -> bytes:
        """Return an answer that is a reply."""
        return self._encode(Answer(reply=msgspec.Raw(self._encode(reply))))

    def pack_error(self, error: BaseException) -> bytes:
        """Return an answer that is an error; what is not a `DomainError` goes as `Internal`."""
        if not isinstance(error, DomainError):
            error = Internal()
        return self._encode(Answer(error=name_of(type(error)), detail=error.detail, attributes=vars(error)))

    def unpack_answer(self, message_type: type, data: bytes) -> Any:
        """Return the reply to a message of the given type. Raises the packed `DomainError`."""
        answer: Answer = decoder(Answer).decode(data)
        if not answer.error:
            return decoder(reply_type(message_type)).decode(answer.reply)
        for error_type in error_types():
            if name_of(error_type) == answer.error:
                error = error_type.__new__(error_type, answer.detail)
                vars(error).update(answer.attributes)
                raise error
        raise Internal(answer.detail)
