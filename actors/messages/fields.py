"""Field types that the messages of many nouns share."""

from typing import Annotated, Generic, TypeVar

import msgspec

T = TypeVar("T")

UUID_PATTERN = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

Id = Annotated[str, msgspec.Meta(pattern=UUID_PATTERN, max_length=36, extra_json_schema={"format": "uuid"})]
"""An opaque id; in a path, one that does not fit names nothing (404). The length keeps a final newline out."""

Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]
"""How many items a page holds at most."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Part of a list. ``next_cursor`` is opaque; None when this is the end."""

    items: list[T]
    next_cursor: str | None = None
