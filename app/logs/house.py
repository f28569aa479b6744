"""The log of a house: structlog, the standard library's logging and uncaught exceptions, all into one buffer."""

import asyncio
import atexit
import logging
import sys
import threading
from collections.abc import Callable, MutableMapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from structlog.contextvars import get_contextvars

from app.logs.buffer import LineBuffer
from app.logs.line import LEVELS, encode, line, request_line, stamp
from app.logs.outlets import LogFile, Outlet, Stdout, is_terminal
from app.logs.pretty import pretty
from app.logs.reading import Wanted, fields, newest


class Logs:
    """Owns the log from `start` to `close`. Nothing here blocks the event loop, and no error of a disk leaves it."""

    def __init__(self, outlets: Sequence[Outlet], *, path: Path | None, level: str) -> None:
        self.path = path
        self._threshold = LEVELS[level]
        self._buffer = LineBuffer(outlets, _dropped_line)
        self._handler = _StandardHandler(self)
        self._hooks = (sys.excepthook, threading.excepthook)

    def log(self, level: str, event: str, values: MutableMapping[str, Any]) -> None:
        """Write one line with the context of the caller (`structlog.contextvars`)."""
        if LEVELS[level] < self._threshold:
            return
        text = line(level, event, get_contextvars(), values)
        if LEVELS[level] >= LEVELS["warning"]:
            self._buffer.put_urgent(text)
        else:
            self._buffer.put(text)

    def log_request(
        self,
        method: str,
        path: str,
        endpoint: str,
        status: int,
        seconds: float,
        *,
        request_id: str,
        user_id: str | None = None,
        address: str = "",
    ) -> None:
        """Write the line of one answered request (``event`` is ``http_request``): the fast path, 2 us.

        ``endpoint`` is the route's pattern; ``seconds`` from first byte to answer.
        """
        is_failed = status >= 500
        if self._threshold > LEVELS["info"] and not is_failed:
            return
        text = request_line(
            method, path, endpoint, status, seconds, request_id=request_id, user_id=user_id, address=address
        )
        if is_failed:
            self._buffer.put_urgent(text)
        else:
            self._buffer.put(text)

    def set_level(self, level: str) -> None:
        """Write only lines of this level and worse from now on. Raises KeyError for a word that is no level."""
        self._threshold = LEVELS[level]

    def flush(self, timeout_seconds: float = 2.0) -> None:
        """Write everything that was logged. Waits for the disk: not for the event loop."""
        self._buffer.flush(timeout_seconds)

    async def recent(self, wanted: Wanted, limit: int) -> list[dict[str, Any]]:
        """The newest ``limit`` lines that fit, newest first; looks at the last 64 MiB, in a thread."""
        return await asyncio.to_thread(self._recent, wanted, limit)

    def _recent(self, wanted: Wanted, limit: int) -> list[dict[str, Any]]:
        self.flush(0.2)
        return [] if self.path is None else [fields(text) for text in newest(self.path, wanted, limit)]

    def subscribe(self, listener: Callable[[Sequence[bytes]], None]) -> Callable[[], None]:
        """Call ``listener`` on the running loop with each batch of lines (JSON, newline included). Returns how to stop.

        Batches come every 100 ms at most, with up to 500 lines each; what the listener logs comes with a later one.
        """
        loop = asyncio.get_running_loop()

        def forward(lines: Sequence[bytes]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(listener, lines)

        return self._buffer.listen(forward)

    @property
    def lines_dropped(self) -> int:
        """How many lines found no room, since start."""
        return self._buffer.dropped + sum(outlet.dropped for outlet in self._buffer.outlets)

    def install(self) -> None:
        """Become the process's log."""
        structlog.configure(
            processors=[self._last_processor],
            wrapper_class=structlog.make_filtering_bound_logger(LEVELS["debug"]),
            logger_factory=_Nowhere,
            cache_logger_on_first_use=False,  # a later log (tests start many) must reach modules that logged before
        )
        logging.getLogger().addHandler(self._handler)
        _let_ours_through(logging.INFO)
        sys.excepthook, threading.excepthook = self._uncaught, self._uncaught_in_thread
        atexit.register(self.close)

    def close(self) -> None:
        """Stop being the process's log, and write everything."""
        if sys.excepthook == self._uncaught:
            sys.excepthook, threading.excepthook = self._hooks
            structlog.reset_defaults()
        logging.getLogger().removeHandler(self._handler)
        _let_ours_through(logging.NOTSET)
        atexit.unregister(self.close)
        self._buffer.close()

    def _last_processor(
        self, _logger: object, level: str, values: MutableMapping[str, Any]
    ) -> tuple[tuple[()], dict[str, Any]]:
        self.log(level, str(values.pop("event", "")), values)
        return (), {}

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, Exception):
            self.log("critical", "uncaught_exception", {"exc_info": error})
        self.flush()
        self._hooks[0](kind, error, trace)

    def _uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        if not issubclass(args.exc_type, SystemExit):
            thread = args.thread.name if args.thread else ""
            self.log("critical", "uncaught_exception", {"exc_info": args.exc_value, "thread": thread})
            self.flush()
        self._hooks[1](args)


def start(
    *, path: Path | None, level: str = "info", stdout: bool = True, rotate_bytes: int = 32 * 2**20, keep: int = 5
) -> Logs:
    """Start the log: ``path`` is the rotating file (None: none); stdout is pretty on a terminal, JSON elsewhere."""
    outlets: list[Outlet] = []
    if path is not None:
        outlets.append(LogFile(path, rotate_bytes=rotate_bytes, keep=keep))
    if stdout:
        outlets.append(Stdout(pretty(colors=True) if is_terminal() else None))
    logs = Logs(outlets, path=path, level=level)
    logs.install()
    return logs


class _Nowhere:
    """structlog's last station: the line has been written by then."""

    def __init__(self, *_names: object) -> None:
        pass

    def msg(self) -> None:
        pass

    debug = info = warning = error = critical = msg


_OURS = frozenset({"app", "handlers", "actors", "storage"})
_STANDARD = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})


def _let_ours_through(level: int) -> None:
    """Set from which level on our lower floors log: the root's, for all others, is a warning."""
    for name in _OURS:
        logging.getLogger(name).setLevel(level)


class _StandardHandler(logging.Handler):
    """Routes the standard library's logging (aiohttp, asyncpg, asyncio) into the house's log.

    Our lower floors log so, too: there the message is the event's word, and ``extra`` holds its values.
    """

    def __init__(self, logs: Logs) -> None:
        super().__init__(logging.NOTSET)
        self._logs = logs

    def emit(self, record: logging.LogRecord) -> None:
        level, message = record.levelname.lower(), _message(record)
        values = {"logger": record.name, "exc_info": record.exc_info}
        for name in vars(record).keys() - _STANDARD:  # what was given as ``extra``
            values[name] = vars(record)[name]
        if record.name.partition(".")[0] in _OURS:
            event = message
        else:
            event, values["message"] = "library_log", message
        self._logs.log(level if level in LEVELS else "info", event, values)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit their format must not cost the line
        return str(record.msg)


def _dropped_line(count: int) -> bytes:
    return encode({"ts": stamp(), "level": "warning", "event": "log_lines_dropped", "count": count})
