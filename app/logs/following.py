"""Follows a log file as it grows: through rotation, truncation, and a file that is not there yet."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from app.logs.reading import older


class Follower:
    """Yields whole lines in the order in which they were written, each once."""

    def __init__(self, path: Path, *, from_start: bool = False) -> None:
        """Start at the end of what is there now, or with the file's first line."""
        self.path = path
        self._file: IO[bytes] | None = None
        self._part = b""
        if self._open(path) and not from_start:
            self._seek_last_line()

    def new_lines(self) -> Iterator[bytes]:
        """Lines that were completed since the last call; several rotations may lie between."""
        yield from self._grown()
        if self._file is None or not self._is_current():
            yield from self._moved_on()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _seek_last_line(self) -> None:
        if self._file is None:
            return
        end = self._file.seek(0, os.SEEK_END)
        block = os.pread(self._file.fileno(), 65536, max(0, end - 65536))
        self._part = block.rpartition(b"\n")[2]  # the beginning of a line that is being written

    def _open(self, path: Path) -> bool:
        try:
            file = path.open("rb", buffering=0)
        except OSError:
            return False
        self.close()
        self._file, self._part = file, b""
        return True

    def _grown(self) -> Iterator[bytes]:
        if self._file is None:
            return
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._file.seek(0)  # truncated
            self._part = b""
        while block := self._file.read(65536):
            *lines, self._part = (self._part + block).split(b"\n")
            yield from (line for line in lines if line)

    def _is_current(self) -> bool:
        try:
            return self._file is not None and os.path.samestat(os.fstat(self._file.fileno()), self.path.stat())
        except OSError:
            return False

    def _moved_on(self) -> Iterator[bytes]:
        """Read the rest of the file that was renamed, then every file that came after it."""
        yield from self._grown()  # what was written between the last read and the renaming
        for name in reversed([self.path, *self._after_mine()]):
            if self._open(name):
                yield from self._grown()

    def _after_mine(self) -> list[Path]:
        """Rotated files that are newer than the one at hand, newest first."""
        if self._file is None:
            return []
        mine = os.fstat(self._file.fileno())
        newer: list[Path] = []
        for name in older(self.path):
            stat = name.stat()
            if os.path.samestat(mine, stat) or stat.st_mtime_ns < mine.st_mtime_ns:
                break
            newer.append(name)
        return newer
