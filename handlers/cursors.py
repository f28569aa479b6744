"""Cursors on the wire: each is good for the list that gave it, asked for the same things, and for no other.

An actor's cursor goes out behind a mark of the route and of what was asked; one that comes back under another mark is
refused before any actor sees it. Where a page begins and how long it is may change from page to page.
"""

from base64 import urlsafe_b64encode
from typing import Any
from zlib import crc32

import msgspec

from actors.errors import InvalidRequest

_PLACE = frozenset({"cursor", "limit", "before", "after"})
_LENGTH = 6
_encode = msgspec.json.Encoder().encode


def marked(cursor: str, route: str, message: Any) -> str:
    """Return an actor's cursor as it goes out."""
    return _mark(route, message) + cursor


def unmarked(cursor: str, route: str, message: Any) -> str:
    """Return the actor's cursor. Raises `InvalidRequest`: another list gave it, or this one for something else."""
    if cursor[:_LENGTH] != _mark(route, message):
        raise InvalidRequest("not a cursor that this list has given", "$.cursor")
    return cursor[_LENGTH:]


def _mark(route: str, message: Any) -> str:
    asked = [getattr(message, name) for name in type(message).__struct_fields__ if name not in _PLACE]
    return urlsafe_b64encode(crc32(_encode([route, asked])).to_bytes(4)).decode()[:_LENGTH]
