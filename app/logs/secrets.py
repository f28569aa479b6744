"""Keeps secrets out of the log: by the name of a field, by the mark on a message's field, and by the look of a text."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, get_type_hints

import msgspec

BLANK = "***"
_HARMLESS = frozenset({type(None), bool, int, float, datetime, date, timedelta})
_DEPTH = 8  # deeper, longer and wider values are cut: a log line is for people
_ITEMS = 256
_TEXT_CHARS = 16_384

_SECRET_WORDS = (  # words to look for
    "passw(?:or)?d|passphrase|secret|token|authori[sz]ation|api[_-]?key|private[_-]?key|cookie|credential"  # noqa: S105
)
_SECRET_KEY = re.compile(f"(?i){_SECRET_WORDS}|^(?:pwd|lease|dsn|jwt|pin|otp)$")
_HARMLESS_KEY = re.compile("(?i)^(?:token_type|tokens?_(?:count|left|expires_at)|secret_fields)$")
_ONE_WORD = re.compile(r"[\w-]*")  # a single word cannot hold both a key and its secret
_HINTS = ("pass", "token", "secret", "key", "authori", "bearer", "basic", "eyj", "://", "cookie", "credential")
_INSIDE = re.compile(  # in time linear to the text, whatever a stranger puts into it
    rf"""
      (?P<scheme>\b(?i:bearer|basic)\s+)(?!\*\*\*)\S+
    | (?<![\w-])eyJ[\w-]{{8,}}\.[\w-]+\.[\w-]*
    | (?P<login>://[^/\s:@]*:)[^/\s@]+(?=@)
    | (?P<key>(?i:{_SECRET_WORDS})[\w-]{{0,32}}["']?\s{{0,4}}[:=]\s{{0,4}}(?i:(?:bearer|basic)\s{{1,4}})?)
      (?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s,;&)}}\]]+)
    """,
    re.VERBOSE,
)


@lru_cache(maxsize=4096)
def is_secret(key: str) -> bool:
    """Whether a field of this name holds a secret. Errs on the side of blanking."""
    return _SECRET_KEY.search(key) is not None and _HARMLESS_KEY.match(key) is None


@lru_cache(maxsize=1024)
def secret_fields(message_type: type[msgspec.Struct]) -> frozenset[str]:
    """Names of the fields that the message marks as `actors.runtime.message.Secret`, or that are named like one."""
    hints = get_type_hints(message_type, include_extras=True)
    return frozenset(name for name in message_type.__struct_fields__ if is_secret(name) or _is_marked(hints.get(name)))


def _is_marked(hint: Any) -> bool:
    marks = getattr(hint, "__metadata__", ())
    if any(isinstance(mark, msgspec.Meta) and (mark.extra or {}).get("secret") for mark in marks):
        return True
    return any(_is_marked(part) for part in getattr(hint, "__args__", ()))


def blank_text(text: str) -> str:
    """Blank what looks like a secret inside a text: bearer tokens, JWTs, logins in addresses, ``password=...``.

    A text over 16,384 characters is cut.
    """
    if _ONE_WORD.fullmatch(text) and len(text) <= _TEXT_CHARS:
        return text
    if len(text) > _TEXT_CHARS:
        text = text[:_TEXT_CHARS] + "..."
    low = text.lower()
    for hint in _HINTS:  # ten looks for a fixed word cost a tenth of the pattern
        if hint in low:
            return _INSIDE.sub(_keep_the_name, text)
    return text


def _keep_the_name(match: re.Match[str]) -> str:
    return (match["scheme"] or match["login"] or match["key"] or "") + BLANK


def blank(value: Any, depth: int = 0) -> Any:
    """Return ``value`` as plain data without secrets; what has no plain form becomes its ``repr``."""
    kind = type(value)  # a look at the type is five times as fast as isinstance over many
    if kind is str:
        return blank_text(value)
    if kind in _HARMLESS:
        return value
    return _blank_other(value, depth)


def _blank_other(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return blank_text(str(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"  # could be anything
    if depth == _DEPTH:
        return "..."
    if isinstance(value, Mapping):
        return {
            str(key): BLANK if is_secret(str(key)) else blank(part, depth + 1)
            for key, part in islice(value.items(), _ITEMS)
        }
    if isinstance(value, msgspec.Struct):
        return _blank_struct(value, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return [blank(part, depth + 1) for part in islice(value, _ITEMS)]
    return blank_text(_shown(value))


def _blank_struct(value: msgspec.Struct, depth: int) -> dict[str, Any]:
    hidden = secret_fields(type(value))
    return {
        name: BLANK if name in hidden else blank(getattr(value, name), depth + 1) for name in value.__struct_fields__
    }


def _shown(value: object) -> str:
    try:
        return str(value) if isinstance(value, BaseException) else repr(value)
    except Exception:  # noqa: BLE001 - a broken __repr__ must not cost the line
        return f"<{type(value).__name__}>"
