"""Tells when a file has changed. Where the kernel tells (Linux), nobody looks."""

import asyncio
import ctypes
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

SETTLE_SECONDS = 0.3
"""After news from the folder: an editor may put a file in place in two steps."""
LOOK_SECONDS = 2.0
"""Between looks where the kernel does not tell."""
_WRITTEN_OR_MOVED_IN = 0x8 | 0x80  # IN_CLOSE_WRITE, IN_MOVED_TO: inotify(7)
_NEWS_BYTES = 65_536


def mark_of(file: Path) -> tuple[int, ...]:
    """Return what changes whenever a file does; empty where there is none."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


async def changes(file: Path, seen: tuple[int, ...]) -> AsyncIterator[None]:
    """Yield after each change, also one since the file had the mark ``seen``; never while there is no file."""
    news = News(file.parent)
    try:
        while True:
            mark = mark_of(file)
            if mark and mark != seen:
                seen = mark
                yield
            else:
                await news.wait()
    finally:
        news.close()


class News:
    """What the kernel tells of a folder; a clock where it does not. watchfiles would wake a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self._heard = asyncio.Event()
        self._descriptor = _open(folder)
        if self._descriptor is not None:
            asyncio.get_running_loop().add_reader(self._descriptor, self._hear)

    async def wait(self) -> None:
        """Return a moment after there was news since the last time."""
        if self._descriptor is None:
            await asyncio.sleep(LOOK_SECONDS)
            return
        await self._heard.wait()
        await asyncio.sleep(SETTLE_SECONDS)
        self._heard.clear()

    def close(self) -> None:
        """Listen no longer."""
        if self._descriptor is not None:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _hear(self) -> None:
        assert self._descriptor is not None  # noqa: S101 - `close` has removed the reader
        with suppress(BlockingIOError):
            os.read(self._descriptor, _NEWS_BYTES)
        self._heard.set()


def _open(folder: Path) -> int | None:
    """Return a descriptor that is readable whenever a file of the folder was written or put in place."""
    try:
        library = ctypes.CDLL(None)
        descriptor = int(library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        if descriptor >= 0 and library.inotify_add_watch(descriptor, os.fsencode(folder), _WRITTEN_OR_MOVED_IN) >= 0:
            return descriptor
    except (OSError, AttributeError):  # another system
        return None
    if descriptor >= 0:
        os.close(descriptor)
    return None
