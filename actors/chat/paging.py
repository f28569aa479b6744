"""Which part of a chat's messages a page holds, and where it leads on."""

from collections.abc import Sequence
from typing import NamedTuple

from actors.cursors import decode_cursor, encode_cursor
from actors.messages.chat import ChatMessage, ListMessages, Seq
from actors.messages.fields import Page

_END = 2**53 + 1
"""Behind every ``seq``."""


class Span(NamedTuple):
    """Between two ``seq``, both left out: from the older one on, or back from the newer one."""

    after: int
    before: int
    forward: bool


def span_of(wanted: ListMessages) -> Span:
    """Read where a page begins. A cursor keeps its direction, with or without the bounds it came from.

    Raises:
        InvalidRequest: the cursor did not come from here.
    """
    after = 0 if wanted.after is None else wanted.after
    before = _END if wanted.before is None else wanted.before
    cursor = decode_cursor(wanted.cursor, tuple[bool, Seq])
    if cursor is None:
        return Span(after, before, forward=wanted.after is not None and wanted.before is None)
    forward, seq = cursor
    return Span(max(after, seq), before, forward) if forward else Span(after, min(before, seq), forward)


def page_of(messages: Sequence[ChatMessage], span: Span, limit: int) -> Page[ChatMessage]:
    """Make a page of up to ``limit`` + 1 messages in the span's direction."""
    items = list(messages[:limit])
    cursor = encode_cursor((span.forward, items[-1].seq)) if len(messages) > limit else None
    return Page(items if span.forward else items[::-1], cursor)
