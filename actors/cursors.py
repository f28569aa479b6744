"""Cursors: opaque to callers, the last row's sort key inside."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from actors.errors import InvalidRequest
from actors.messages.fields import Page

K = TypeVar("K")
R = TypeVar("R")
T = TypeVar("T")


def encode_cursor(key: object) -> str:
    """Turn the sort key of a page's last row into a cursor."""
    return urlsafe_b64encode(msgspec.msgpack.encode(key)).rstrip(b"=").decode()


def page_of(rows: Sequence[R], limit: int, show: Callable[[R], T], key: Callable[[R], object]) -> Page[T]:
    """Make a page of up to ``limit`` rows; one more says that there is another page. ``key`` is a row's sort key."""
    is_last = len(rows) <= limit
    return Page([show(row) for row in rows[:limit]], None if is_last else encode_cursor(key(rows[limit - 1])))


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
