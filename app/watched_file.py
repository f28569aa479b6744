"""Tells when a file has changed, by looking at it now and then."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

LOOK_SECONDS = 4.0
"""Between looks: one costs 50 us. A watching library wakes a thread of its own, and ends no sooner than that does."""


def mark_of(file: Path) -> tuple[int, ...]:
    """Return what changes whenever a file does; empty where there is none."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


async def changes(file: Path, seen: tuple[int, ...]) -> AsyncIterator[None]:
    """Yield after each change, also one since the file had the mark ``seen``; never while there is no file."""
    while True:
        mark = mark_of(file)
        if mark and mark != seen:
            seen = mark
            yield
        await asyncio.sleep(LOOK_SECONDS)
