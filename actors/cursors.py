"""Cursors: opaque to callers, the last row's sort key inside."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

import msgspec

from actors.errors import InvalidRequest

K = TypeVar("K")


def encode_cursor(key: object) -> str:
    """Turn the sort key of a page's last row into a cursor."""
    return urlsafe_b64encode(msgspec.msgpack.encode(key)).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, kind: type[K]) -> K | None:
    """Turn a cursor back into a sort key of type ``kind``; None stays None.

    Raises:
        InvalidRequest: the cursor did not come from here.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return msgspec.msgpack.decode(urlsafe_b64decode(padded), type=kind)
    except (ValueError, msgspec.MsgspecError) as error:
        raise InvalidRequest("not a cursor that this list has given", path="$.cursor") from error
