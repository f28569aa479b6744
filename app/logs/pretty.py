"""A line for people: one row, aligned, coloured by level."""

from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from app.logs.reading import fields

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160))}
"""What others sent may be in a line; it must not steer the terminal."""
_CONTROL_IN_TRACEBACK = {code: text for code, text in _CONTROL.items() if chr(code) not in "\n\t"}


def pretty(*, colors: bool) -> Callable[[bytes], bytes]:
    """Return what turns a line of JSON into a row of text; what is not such a line stays as it is, made harmless."""
    render = structlog.dev.ConsoleRenderer(colors=colors, timestamp_key="ts", sort_keys=False, pad_event_to=24)

    def row(line: bytes) -> bytes:
        try:
            values = fields(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _harmless(line.decode(errors="replace").rstrip("\n")).encode() + b"\n"
        safe = {_harmless(name): _plain(name, value) for name, value in values.items()}
        safe.setdefault("event", "")
        safe["ts"] = str(safe.get("ts", ""))[11:23]  # the day is in the file
        return render(None, "", safe).encode(errors="replace") + b"\n"

    return row


def _plain(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return (
            value if value is None or isinstance(value, int | float) else _harmless(msgspec.json.encode(value).decode())
        )
    return value.translate(_CONTROL_IN_TRACEBACK) if name == "exception" else _harmless(value)


def _harmless(text: str) -> str:
    return text.translate(_CONTROL)
