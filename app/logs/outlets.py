"""Where lines go: a rotating file, and stdout. An outlet never raises and never waits."""

import contextlib
import os
import select
import stat
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

_REST_BYTES = 4 * 2**20
_RETRY_SECONDS = 1.0
_FILE_BYTES = 2**20


class Outlet(ABC):
    """Writes whole lines in order. What cannot be written now waits, up to 4 MiB; beyond that lines are dropped."""

    def __init__(self) -> None:
        self._rest: deque[bytes] = deque()
        self._rest_bytes = 0
        self.dropped = 0  # lines

    @property
    def is_behind(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._rest)

    def write(self, lines: Sequence[bytes]) -> None:
        """Write ``lines``, each ending in a newline, after what still waits."""
        for line in lines:
            if self._rest_bytes > _REST_BYTES:
                self.dropped += 1
            else:
                self._rest.append(line)
                self._rest_bytes += len(line)
        with contextlib.suppress(OSError):  # a full disk or a closed pipe: the lines wait, the house goes on
            self._drain()

    def _drain(self) -> None:
        while self._rest:
            chunk = b"".join(self._rest)
            written = self._write_some(chunk)
            self._forget(written, chunk)
            if written < len(chunk):
                return

    def _forget(self, count: int, chunk: bytes) -> None:
        """Drop the first ``count`` bytes from what waits; a line that was cut keeps its remainder."""
        left = chunk[count:]
        self._rest.clear()
        self._rest.extend(left.splitlines(keepends=True))
        self._rest_bytes = len(left)

    @abstractmethod
    def _write_some(self, chunk: bytes) -> int:
        """Write a beginning of ``chunk`` without waiting; return how many bytes. Raises OSError."""

    def close(self) -> None:  # noqa: B027 - stdout stays open
        """Give up what the outlet holds open."""


class LogFile(Outlet):
    """A file that is renamed to ``<name>.1`` (and that to ``.2`` ...) when it reaches ``rotate_bytes``.

    ``keep`` older files stay. The names change atomically, so a reader finds each line in exactly one file.
    A file that was moved or deleted by others is made anew. After an error the disk is tried again once a second.
    """

    def __init__(self, path: Path, *, rotate_bytes: int = 32 * 2**20, keep: int = 5) -> None:
        super().__init__()
        self.path = path
        self.rotate_bytes = rotate_bytes
        self.keep = keep
        self.error: OSError | None = None  # why the last attempt failed
        self._file: int | None = None
        self._size = 0
        self._retry_at = 0.0

    def _write_some(self, chunk: bytes) -> int:
        if time.monotonic() < self._retry_at:
            return 0
        try:
            written = self._append(chunk)
        except OSError as error:
            self.error, self._retry_at = error, time.monotonic() + _RETRY_SECONDS
            self.close()
            raise
        self.error = None
        return written

    def _append(self, chunk: bytes) -> int:
        file = self._opened()
        if self._size and self._size + len(chunk) > self.rotate_bytes:
            self._rotate()
            file = self._opened()
        written = os.write(file, chunk)
        self._size += written
        return written

    def _opened(self) -> int:
        """The open file; opened anew when the name no longer stands for it."""
        if self._file is not None:
            try:
                if os.path.samestat(os.fstat(self._file), self.path.stat()):
                    return self._file
            except FileNotFoundError:
                pass
            self.close()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._file).st_size
        if self._size and os.pread(self._file, 1, self._size - 1) != b"\n":
            self._size += os.write(self._file, b"\n")  # a crash has cut the last line
        return self._file

    def _rotate(self) -> None:
        self.close()
        names = [self.path, *(self.path.with_name(f"{self.path.name}.{n}") for n in range(1, self.keep + 1))]
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(older)
        if not self.keep:
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def trouble_with(path: Path) -> OSError | None:
    """Return why a log file cannot be written; None when it can, and then it is there."""
    file = LogFile(path)
    try:
        file._opened()  # noqa: SLF001 - its own module
    except OSError as error:
        return error
    finally:
        file.close()
    return None


class Stdout(Outlet):
    """Standard output. Writes only what fits without waiting, so a stalled reader of the pipe stalls nothing."""

    def __init__(self, pretty: Callable[[bytes], bytes] | None = None, file: int = 1) -> None:
        """``pretty`` makes a line readable for people; None leaves it JSON."""
        super().__init__()
        self._pretty = pretty
        self._file = file
        self._poll = select.poll()
        self._poll.register(file, select.POLLOUT)
        # A pipe that polls as writable takes PIPE_BUF bytes without blocking; a file takes anything.
        self._piece_bytes = _FILE_BYTES if stat.S_ISREG(os.fstat(file).st_mode) else select.PIPE_BUF

    def write(self, lines: Sequence[bytes]) -> None:
        """Write ``lines``, in their readable form where one was asked for."""
        super().write(lines if self._pretty is None else [self._pretty(line) for line in lines])

    def _write_some(self, chunk: bytes) -> int:
        written = 0
        while written < len(chunk) and self._poll.poll(0):
            written += os.write(self._file, chunk[written : written + self._piece_bytes])
        return written


def is_terminal() -> bool:
    """Whether a person reads stdout directly."""
    try:
        return sys.__stdout__ is not None and sys.__stdout__.isatty()
    except ValueError:  # closed
        return False
