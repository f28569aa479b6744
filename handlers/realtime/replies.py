"""What the house says: replies to commands, and pushes. Every function returns one line, without its newline."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from handlers.ports import ClientInfo, Publication
from handlers.realtime.codes import Close, Refused

PING = b"{}"
_encode = msgspec.json.encode


class ConnectResult(msgspec.Struct, frozen=True, kw_only=True):
    """``ttl`` is whole seconds until the access token ends; ``subs`` are the house's own subscriptions."""

    client: str
    version: str
    ping: int
    pong: bool = True
    expires: bool
    ttl: int
    subs: Mapping[str, "SubscribeResult"]
    data: Mapping[str, Any] = {}


class RefreshResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a new token is good for."""

    client: str
    version: str
    expires: bool
    ttl: int


class Past(msgspec.Struct, frozen=True):
    """One publication of a stream, as recovery and history show it."""

    data: msgspec.Raw
    offset: int


class SubscribeResult(msgspec.Struct, frozen=True, kw_only=True):
    """``offset`` and ``epoch`` are where the client stands once it has applied ``publications``."""

    recoverable: bool = False
    positioned: bool = False
    epoch: str = ""
    offset: int = 0
    publications: Sequence[Past] = ()
    recovered: bool = False
    was_recovering: bool = False


class HistoryResult(msgspec.Struct, frozen=True, kw_only=True):
    """``offset`` is the head of the stream, whatever part of it is shown."""

    publications: Sequence[Past] = ()
    epoch: str
    offset: int


def past(publication: Publication) -> Past:
    """Return a publication as part of a result."""
    return Past(data=msgspec.Raw(one_line(publication.data)), offset=publication.offset)


def result(command_id: int, verb: str, content: Any) -> bytes:
    """Return the reply to a command that went well."""
    return _encode({"id": command_id, verb: content})


def error(command_id: int, refused: Refused) -> bytes:
    """Return the reply to a command that did not."""
    shown: dict[str, Any] = {"code": refused.code, "message": refused.message}
    if refused.temporary:
        shown["temporary"] = True
    return _encode({"id": command_id, "error": shown})


def publication(channel: str, offset: int, data: bytes) -> bytes:
    """Return a push, made once for all subscribers. ``offset`` 0: it cannot be recovered."""
    end = b',"offset":%d}}}' % offset if offset else b"}}}"
    return b'{"push":{"channel":"%b","pub":{"data":%b%b' % (channel.encode(), one_line(data), end)


def presence_change(verb: str, channel: str, info: ClientInfo) -> bytes:
    """Return a ``join`` or ``leave`` push."""
    return _encode({"push": {"channel": channel, verb: {"info": info}}})


def unsubscribe(channel: str, why: Close) -> bytes:
    """Return the push that ends a subscription."""
    return _encode({"push": {"channel": channel, "unsubscribe": {"code": why.code, "reason": why.reason}}})


def one_line(data: bytes) -> bytes:
    """Return the same JSON without line breaks (in JSON they are only space): a newline separates replies."""
    return data.translate(_SPACES) if b"\n" in data or b"\r" in data else data


_SPACES = bytes.maketrans(b"\r\n", b"  ")
