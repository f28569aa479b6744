"""The buffer between those who log and the disk: putting a line in costs well under a microsecond and never waits."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from app.logs.outlets import Outlet

FLUSH_SECONDS = 0.1
_AT_ONCE = 500  # lines that are joined and written together

Listener = Callable[[Sequence[bytes]], None]


class LineBuffer:
    """Collects lines; a thread of its own writes them every 100 ms, urgent ones at once.

    Bounded: beyond ``capacity_bytes`` lines are dropped and counted, and `dropped_line` tells of them in the log.
    `put` may be called from any thread, from signal handlers and from ``__del__``: it takes no lock.
    """

    def __init__(
        self, outlets: Sequence[Outlet], dropped_line: Callable[[int], bytes], *, capacity_bytes: int = 16 * 2**20
    ) -> None:
        self.outlets = outlets
        self.capacity_bytes = capacity_bytes
        self.dropped = 0  # lines, since start
        self._dropped_line = dropped_line
        self._lines: deque[bytes] = deque()
        self._put_bytes = self._taken_bytes = 0
        self._told_dropped = 0
        self._tell_at = 0.0
        self._listeners: tuple[Listener, ...] = ()
        self._wake: SimpleQueue[bool] = SimpleQueue()  # its put is reentrant; an Event's is not
        self._is_woken = self._is_hurried = self._is_closed = False
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Hand over one line, which ends in a newline."""
        if self._put_bytes - self._taken_bytes > self.capacity_bytes:
            self.dropped += 1
            return
        size = len(line)  # a call inside the += below would let another thread in between
        self._lines.append(line)
        self._put_bytes += size
        if not self._is_woken:
            self._is_woken = True
            self._wake.put(False)  # noqa: FBT003 - "not urgent"

    def put_urgent(self, line: bytes) -> None:
        """Hand over one line that is to be on disk at once."""
        self.put(line)
        if not self._is_hurried:
            self._is_hurried = True
            self._wake.put(True)  # noqa: FBT003 - "urgent"

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with each batch of lines, on the writer's thread. Returns how to stop it."""
        self._listeners = (*self._listeners, listener)

        def stop() -> None:
            self._listeners = tuple(other for other in self._listeners if other is not listener)

        return stop

    def flush(self, timeout_seconds: float = 2.0) -> None:
        """Write what was put so far. Gives up after ``timeout_seconds``, when a disk or a reader hangs."""
        until = time.monotonic() + timeout_seconds
        while self._lines or any(outlet.is_behind for outlet in self.outlets):
            if self._writing.acquire(timeout=max(0.0, until - time.monotonic())):
                try:
                    self._write_all()
                finally:
                    self._writing.release()
            if time.monotonic() >= until:
                return
            if any(outlet.is_behind for outlet in self.outlets):
                time.sleep(0.01)

    def close(self) -> None:
        """Flush and end the thread."""
        self._is_closed = True
        self._wake.put(True)  # noqa: FBT003 - "urgent"
        self._thread.join(timeout=2.0)
        self.flush()
        for outlet in self.outlets:
            outlet.close()

    def _run(self) -> None:
        while not self._is_closed:
            if not self._sleep(None):
                self._sleep(FLUSH_SECONDS)
            self._is_woken = self._is_hurried = False  # from here on, a new line wakes anew
            with self._writing:
                self._write_all()
                if any(outlet.is_behind for outlet in self.outlets) and not self._is_woken:
                    self._is_woken = True
                    self._wake.put(False)  # noqa: FBT003 - "not urgent"

    def _sleep(self, seconds: float | None) -> bool:
        """Wait for a line, at most ``seconds``; whether it is urgent. Nothing to write costs no wake-ups."""
        try:
            return self._wake.get(timeout=seconds)
        except Empty:
            return False

    def _write_all(self) -> None:
        self._tell_dropped()
        while lines := self._take():
            for outlet in self.outlets:
                outlet.write(lines)
            for listener in self._listeners:
                listener(lines)
        for outlet in self.outlets:
            if outlet.is_behind:
                outlet.write(())

    def _take(self) -> list[bytes]:
        lines = [self._lines.popleft() for _ in range(min(_AT_ONCE, len(self._lines)))]
        taken = sum(map(len, lines))
        self._taken_bytes += taken
        return lines

    def _tell_dropped(self) -> None:
        dropped = self.dropped + sum(outlet.dropped for outlet in self.outlets)
        if dropped > self._told_dropped and time.monotonic() >= self._tell_at:
            self._lines.append(self._dropped_line(dropped - self._told_dropped))
            self._told_dropped = dropped
            self._tell_at = time.monotonic() + 1.0  # where they are dropped on and on, one line a second says so
