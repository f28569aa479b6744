"""Answers that are no JSON."""

import msgspec


class Picture(msgspec.Struct, frozen=True):
    """Something to print or to show."""

    content: bytes
    media_type: str
