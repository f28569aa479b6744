"""One line: ``{"ts", "level", "event", "request_id", "user_id", "actor", ...}`` as JSON, without secrets."""

import json
import sys
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from app.logs.secrets import BLANK, blank, blank_text, is_secret

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
LINE_BYTES = 32 * 1024
"""A longer line is cut to its first fields and the beginning of the rest."""

_FIRST = frozenset({"ts", "level", "event"})

_encode = msgspec.json.Encoder().encode


class RequestLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answered request: encoded directly, since every request writes one."""

    ts: datetime  # the encoder writes it as `stamp` does, in a third of the time
    level: str
    event: str
    method: str
    path: str
    endpoint: str
    status: int
    ms: float
    request_id: str
    user_id: str | None = None
    address: str = ""


class _Stamp:
    """RFC 3339 times; all of a second share the text up to the second."""

    __slots__ = ("_text",)

    def __init__(self) -> None:
        self._text = (0, "")

    def __call__(self) -> str:
        second, micros = divmod(time.time_ns() // 1000, 1_000_000)
        known, text = self._text
        if known != second:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._text = (second, text)
        return f"{text}.{micros:06d}Z"


stamp = _Stamp()


def line(level: str, event: str, context: Mapping[str, Any], fields: Mapping[str, Any]) -> bytes:
    """Encode one line, newline included. Never raises, whatever the fields hold.

    ``exc_info`` among the fields (True, an exception, or its triple) becomes ``exception``, the traceback's text.
    """
    whole = {"ts": stamp(), "level": level, "event": blank_text(event)}
    for name, value in {**context, **fields}.items():
        if name == "exc_info":
            whole |= _exception(value)
        elif name in _FIRST:
            whole[f"{name}_"] = blank(value)  # these words are taken
        else:
            whole[name] = BLANK if is_secret(name) else blank(value)
    text = encode(whole)
    return text if len(text) <= LINE_BYTES else encode(_cut(whole, len(text)))


def request_line(  # one call a request: a struct in between would cost more than the line
    method: str,
    path: str,
    endpoint: str,
    status: int,
    seconds: float,
    *,
    request_id: str,
    user_id: str | None = None,
    address: str = "",
) -> bytes:
    """Encode the line of one answered request. ``path`` is cut at its query, where tokens may hide."""
    level = "info" if status < 500 else "error"
    if "?" in path:
        path = path[: path.index("?")]
    ms = int(seconds * 1_000_000 + 0.5) / 1000
    row = RequestLine(
        datetime.now(UTC), level, "http_request", method, path[:512], endpoint, status, ms, request_id, user_id, address
    )
    try:
        return _encode(row) + b"\n"
    except UnicodeEncodeError:  # a path with lone surrogates
        return encode(msgspec.structs.asdict(row) | {"ts": stamp()})


def encode(whole: dict[str, Any]) -> bytes:
    """JSON and a newline; falls back to the slower, more forgiving encoder."""
    try:
        return _encode(whole) + b"\n"
    except (TypeError, ValueError, OverflowError, RecursionError):
        return json.dumps(whole, default=str, ensure_ascii=True).encode() + b"\n"


def _cut(whole: dict[str, Any], size: int) -> dict[str, Any]:
    kept = {name: value for name, value in whole.items() if len(str(value)) <= 1024}
    rest = {name: value for name, value in whole.items() if name not in kept}
    each = LINE_BYTES // 4 // max(1, len(rest))
    parts = {name: str(value)[:each] for name, value in list(rest.items())[:16]}
    return dict(list(kept.items())[:32]) | parts | {"cut_from_bytes": size}


def _exception(value: Any) -> dict[str, Any]:
    if value is True:
        value = sys.exc_info()[1]
    elif isinstance(value, tuple):
        value = value[1]
    if not isinstance(value, BaseException):
        return {}
    text = "".join(traceback.format_exception(value, limit=-32))
    return {"error": blank(value), "error_type": type(value).__qualname__, "exception": blank(text[-LINE_BYTES // 2 :])}
