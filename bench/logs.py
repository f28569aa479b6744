"""What a log line costs the one who logs, in microseconds: ``python bench/logs.py``.

The writer's thread runs beside it and shares the interpreter, as it does in a house; pauses between rounds let it
catch up, so that no line is dropped (a dropped line would look cheap).
"""

import logging
import logging.handlers
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from structlog.contextvars import bound_contextvars

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.logs import start

ROUNDS = 15
LINES = 2_000
TASK = "019aa1b2-aaaa-7bbb-8ccc-123456789012"
PATTERN = "/api/v1/tasks/{id}"


def micros(log_one: Callable[[], object], wait: Callable[[], object]) -> float:
    """The median over rounds of the time for one line."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(LINES):
            log_one()
        rounds.append((time.perf_counter() - started) / LINES * 1e6)
        wait()
    return statistics.median(rounds)


def ours(folder: Path) -> dict[str, float]:
    """Our two paths, and a line below the level."""
    logs = start(path=folder / "ours.log", stdout=False)
    log = structlog.get_logger()
    with bound_contextvars(request_id=TASK, user_id=TASK, actor=f"task:{TASK}"):
        figures = {
            "log_request": micros(
                lambda: logs.log_request("GET", f"/api/v1/tasks/{TASK}", PATTERN, 200, 0.01, request_id=TASK),
                logs.flush,
            ),
            "log.info, two fields": micros(lambda: log.info("task_done", task_id=TASK, seconds=1.5), logs.flush),
            "log.debug below the level": micros(lambda: log.debug("task_done", task_id=TASK), logs.flush),
        }
    if logs.lines_dropped:
        sys.exit(f"void: {logs.lines_dropped} lines were dropped")
    logs.close()
    return figures


def usual(folder: Path) -> float:
    """What one would write: structlog's own processors, ending in a rotating file handler."""
    handler = logging.handlers.RotatingFileHandler(folder / "usual.log", maxBytes=32 * 2**20, backupCount=5)
    logger = logging.getLogger("usual")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: logger,
        cache_logger_on_first_use=True,
    )
    log = structlog.get_logger()
    figure = micros(lambda: log.info("task_done", task_id=TASK, seconds=1.5), lambda: None)
    handler.close()
    structlog.reset_defaults()
    return figure


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        figures = ours(Path(folder)) | {"structlog + RotatingFileHandler": usual(Path(folder))}
    for name, figure in figures.items():
        print(f"{name:34} {figure:6.2f} us")


if __name__ == "__main__":
    main()
