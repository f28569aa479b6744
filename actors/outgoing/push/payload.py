"""What a browser is told: a notification cut to fit, and encrypted so that only that browser reads it (RFC 8291)."""

from bisect import bisect_right
from typing import Any

import http_ece  # type: ignore[import-untyped]  # published without types
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from actors.outgoing.port import Parcel

MOST_BYTES = 3_993
"""Push services take 4,096 bytes, of which encryption needs 103."""
FEWER_BYTES = 1_500
"""For those who say that it was too large all the same."""
TITLE_BYTES = 600
BODY_BYTES = 400
"""So much of the body goes before the data, where there is not room for both."""

_encode = msgspec.json.encode


class PushMessage(msgspec.Struct, frozen=True):
    """What the page's service worker gets as JSON. ``id`` is the inbox's entry, where there is one."""

    id: str
    type: str
    title: str
    body: str
    data: dict[str, Any]


def describe(parcel: Parcel) -> PushMessage:
    """What a parcel's first entry says. Web Push has no digests: there is one entry."""
    entry = parcel.entries[0]
    return PushMessage(entry.notification_id or entry.id, entry.type, entry.title, entry.body, dict(entry.data))


def fit(message: PushMessage, most_bytes: int) -> bytes:
    """Return it as JSON of at most so many bytes: the body is cut, the data goes as a whole."""
    message = msgspec.structs.replace(message, title=cut(message.title, TITLE_BYTES))
    room = _room(message, most_bytes)
    if room < min(BODY_BYTES, _length(message.body)):
        message = msgspec.structs.replace(message, data={})
        room = _room(message, most_bytes)
    return _encode(msgspec.structs.replace(message, body=cut(message.body, room)))


def cut(text: str, most_bytes: int) -> str:
    """Return the longest beginning of a text whose JSON form fits (without its quotes), with "…" where it was cut."""
    if _length(text) <= most_bytes:
        return text
    letters = bisect_right(range(len(text)), most_bytes - _length("…"), key=lambda count: _length(text[:count])) - 1
    return f"{text[:letters]}…" if letters > 0 else ""


def seal(payload: bytes, p256dh: bytes, auth: bytes) -> bytes:
    """Encrypt for one browser: content coding aes128gcm, one record, with a key pair that is used this once."""
    sealed: bytes = http_ece.encrypt(
        payload, private_key=generate_private_key(SECP256R1()), dh=p256dh, auth_secret=auth, version="aes128gcm"
    )
    return sealed


def _room(message: PushMessage, most_bytes: int) -> int:
    return most_bytes - len(_encode(msgspec.structs.replace(message, body="")))


def _length(text: str) -> int:
    return len(_encode(text)) - 2
