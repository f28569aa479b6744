"""The log: what a line holds and what it never holds, and that logging stops for nothing."""

import asyncio
import json
import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from app.logs import Logs, Wanted, start, watch_loop_lag
from app.logs.buffer import LineBuffer
from app.logs.outlets import LogFile, Outlet, Stdout
from app.logs.reading import backwards

log = structlog.get_logger()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "posthouse.log"


@pytest.fixture
def logs(path: Path) -> Iterator[Logs]:
    logs = start(path=path, stdout=False, level="info")
    yield logs
    logs.close()


def written(logs: Logs) -> list[dict[str, Any]]:
    """Every line of the file, oldest first."""
    logs.flush()
    assert logs.path is not None
    return [json.loads(line) for line in logs.path.read_text().splitlines()]


def test_a_line_is_one_json_object_with_time_level_event_and_context(logs: Logs) -> None:
    before = datetime.now(UTC)
    with bound_contextvars(request_id="r-1", user_id="u-1", actor="task:7"):
        log.info("task_started", task_id="7", attempt=2)
    (line,) = written(logs)
    assert before <= datetime.fromisoformat(line.pop("ts")) <= datetime.now(UTC)
    assert line == {
        "level": "info",
        "event": "task_started",
        "request_id": "r-1",
        "user_id": "u-1",
        "actor": "task:7",
        "task_id": "7",
        "attempt": 2,
    }


def test_times_end_in_z_and_sort_as_text(logs: Logs) -> None:
    for number in range(50):
        log.info("tick", number=number)
    times = [line["ts"] for line in written(logs)]
    assert times == sorted(times) and all(len(time_) == 27 and time_.endswith("Z") for time_ in times)


def test_fields_cannot_replace_level_time_or_event(logs: Logs) -> None:
    log.info("promoted", level=3, ts="never")
    (line,) = written(logs)
    assert line["level"] == "info" and line["level_"] == 3 and line["ts"] != "never"


def test_a_line_break_in_a_value_does_not_break_the_line(logs: Logs) -> None:
    log.info("first", text='a\n{"event":"forged"}')
    assert [line["event"] for line in written(logs)] == ["first"]


def test_lines_below_the_level_are_not_written_until_the_level_changes(logs: Logs) -> None:
    log.debug("hidden")
    logs.set_level("debug")
    log.debug("shown")
    logs.set_level("warning")
    log.info("hidden")
    logs.log_request("GET", "/x", "/x", 200, 0.001, request_id="r")
    logs.log_request("GET", "/x", "/x", 500, 0.001, request_id="r")
    assert [line["event"] for line in written(logs)] == ["shown", "http_request"]


def test_the_request_line_has_what_one_searches_for_and_no_query(logs: Logs) -> None:
    logs.log_request(
        "GET", "/api/v1/tasks/7?token=hunter2", "/api/v1/tasks/{id}", 404, 0.0123456, request_id="r", user_id="u"
    )
    (line,) = written(logs)
    line.pop("ts")
    assert line == {
        "level": "info",
        "event": "http_request",
        "method": "GET",
        "path": "/api/v1/tasks/7",
        "endpoint": "/api/v1/tasks/{id}",
        "status": 404,
        "ms": 12.346,
        "request_id": "r",
        "user_id": "u",
    }


def test_a_request_for_a_path_that_is_no_text_is_logged(logs: Logs) -> None:
    logs.log_request("GET", "/\udcff", "/{any}", 404, 0.0, request_id="r")
    assert written(logs)[0]["status"] == 404


def test_the_standard_librarys_logging_is_routed_in(logs: Logs) -> None:
    logging.getLogger("asyncpg").warning("lost %d connections", 3)
    wrong = logging.LogRecord("asyncpg", logging.WARNING, __file__, 1, "wrong %d", ("format",), None)
    logs._handler.handle(wrong)  # not through the root: pytest's own handler refuses it
    first, second = written(logs)
    assert (first["event"], first["logger"], first["message"]) == ("library_log", "asyncpg", "lost 3 connections")
    assert first["level"] == "warning" and second["message"] == "wrong %d"


def test_what_our_lower_floors_tell_is_written_and_what_libraries_tell_is_not(logs: Logs) -> None:
    logging.getLogger("actors.runtime.placement.placement").info("partitions_claimed", extra={"owned": 85})
    logging.getLogger("asyncpg").info("hello")
    [line] = written(logs)
    assert (line["event"], line["level"], line["owned"]) == ("partitions_claimed", "info", 85)


def test_what_went_wrong_is_on_disk_at_once(logs: Logs, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.logs.buffer.FLUSH_SECONDS", 60.0)
    log.info("calm")
    time.sleep(0.05)  # the writer waits for more now
    assert not path.exists()
    log.warning("trouble")
    assert _appears(path, "trouble", within_seconds=5.0)
    logs.log_request("GET", "/x", "/x", 500, 0.001, request_id="broken")
    assert _appears(path, "broken", within_seconds=5.0)


def test_what_went_well_is_on_disk_soon(logs: Logs, path: Path) -> None:
    log.info("calm")
    assert _appears(path, "calm", within_seconds=5.0)


def _appears(path: Path, word: str, within_seconds: float) -> bool:
    until = time.monotonic() + within_seconds
    while time.monotonic() < until:
        if path.exists() and word in path.read_text():
            return True
        time.sleep(0.002)
    return False


def test_an_idle_log_does_not_wake_up(logs: Logs) -> None:
    log.info("only")
    logs.flush()
    time.sleep(0.25)
    usage = time.clock_gettime_ns(time.pthread_getcpuclockid(logs._buffer._thread.ident or 0))
    time.sleep(0.3)
    assert time.clock_gettime_ns(time.pthread_getcpuclockid(logs._buffer._thread.ident or 0)) == usage


class Stuck(Outlet):
    """A disk that hangs until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()
        self.lines: list[bytes] = []

    def _write_some(self, chunk: bytes) -> int:
        self.let_go.wait(10)
        self.lines += chunk.splitlines(keepends=True)
        return len(chunk)


def test_a_hanging_disk_costs_lines_that_are_counted_and_never_the_caller() -> None:
    disk = Stuck()
    buffer = LineBuffer([disk], lambda count: b"dropped %d\n" % count, capacity_bytes=10_000)
    started = time.monotonic()
    for number in range(2_000):
        buffer.put_urgent(b"line %06d\n" % number)
    assert time.monotonic() - started < 1.0
    disk.let_go.set()
    buffer.close()
    told = sum(int(line.split()[1]) for line in disk.lines if line.startswith(b"dropped"))
    kept = sum(line.startswith(b"line") for line in disk.lines)
    assert buffer.dropped == told > 0 and kept + told == 2_000


def test_lines_of_many_threads_all_arrive_whole(logs: Logs) -> None:
    def work(name: int) -> None:
        for number in range(500):
            log.info("from_thread", name=name, number=number)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = written(logs)
    for name in range(4):
        assert [line["number"] for line in lines if line["name"] == name] == list(range(500))


def test_a_file_that_is_full_is_renamed_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    logs = start(path=path, stdout=False, rotate_bytes=2_000, keep=2)
    for number in range(300):
        log.info("numbered", number=number)
        if number % 5 == 0:
            logs.flush()
    logs.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.log", "a.log.1", "a.log.2"]
    assert all(file.stat().st_size <= 2_000 for file in tmp_path.iterdir())
    numbers = [json.loads(line)["number"] for line in backwards(path)]
    assert numbers == list(range(299, 299 - len(numbers), -1)) and len(numbers) > 30


def test_a_disk_error_stops_nothing_and_the_lines_come_when_it_is_over(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.write_text("a file where the folder should be")
    logs = start(path=folder / "a.log", stdout=False)
    log.error("while_broken")
    logs.flush(0.1)
    folder.unlink()
    log.error("when_mended")
    logs.flush(3.0)
    assert [line["event"] for line in written(logs)] == ["while_broken", "when_mended"]
    logs.close()


def test_a_full_disk_drops_lines_beyond_the_bound_and_says_so() -> None:
    file = LogFile(Path("/dev/full"))
    file.write([b"x" * 1000 + b"\n"] * 10_000)
    assert isinstance(file.error, OSError) and file.is_behind and file.dropped > 5_000
    file.close()


def test_a_file_that_was_moved_away_is_made_anew(logs: Logs, path: Path) -> None:
    log.info("before")
    logs.flush()
    path.rename(path.with_suffix(".moved"))
    log.info("after")
    assert [line["event"] for line in written(logs)] == ["after"]


def test_a_line_that_a_crash_cut_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b'{"event":"whole"}\n{"event":"cu')
    logs = start(path=path, stdout=False)
    log.info("next")
    logs.close()
    assert [json.loads(line)["event"] for line in path.read_bytes().splitlines()[::2]] == ["whole", "next"]


def test_a_stalled_reader_of_stdout_stalls_nothing() -> None:
    reading, writing = os.pipe()
    stdout = Stdout(file=writing)
    lines = [b"%06d\n" % number for number in range(200_000)]
    stdout.write(lines)
    assert stdout.is_behind
    received = b""
    while stdout.is_behind:
        received += os.read(reading, 65_536)
        stdout.write(())
    os.close(writing)
    while block := os.read(reading, 65_536):
        received += block
    os.close(reading)
    assert received == b"".join(lines)


def test_subscribers_get_the_lines_on_their_loop(logs: Logs) -> None:
    async def scenario() -> tuple[list[str], bool]:
        got: list[str] = []
        here = threading.get_ident()
        elsewhere = False
        arrived = asyncio.Event()

        def listener(lines: Sequence[bytes]) -> None:
            nonlocal elsewhere
            elsewhere |= threading.get_ident() != here
            got.extend(json.loads(line)["event"] for line in lines)
            if "last" in got:
                arrived.set()

        stop = logs.subscribe(listener)
        log.info("first")
        log.warning("last")
        await asyncio.wait_for(arrived.wait(), 2)
        stop()
        log.warning("unheard")
        await asyncio.sleep(0.2)
        return got, elsewhere

    assert asyncio.run(scenario()) == (["first", "last"], False)


async def test_recent_gives_the_newest_lines_that_fit_newest_first(logs: Logs) -> None:
    for number in range(10):
        log.info("seen", number=number)
        log.warning("worse", number=number)
    found = await logs.recent(Wanted(event="seen"), 3)
    assert [line["number"] for line in found] == [9, 8, 7]


async def test_recent_chooses_by_each_field(logs: Logs) -> None:
    with bound_contextvars(request_id="r-1", user_id="u-1", actor="task:7"):
        log.error("task_failed")
    log.info("task_done", text="r-1 u-1")
    middle = datetime.now(UTC)
    await asyncio.sleep(0.001)
    log.info("house_ready")
    for wanted, events in (
        (Wanted(level="error"), ["task_failed"]),
        (Wanted(event="task_*"), ["task_done", "task_failed"]),
        (Wanted(actor="task"), ["task_failed"]),
        (Wanted(actor="task:7"), ["task_failed"]),
        (Wanted(actor="task:8"), []),
        (Wanted(user_id="u-1"), ["task_failed"]),
        (Wanted(request_id="r-1"), ["task_failed"]),
        (Wanted(since=middle), ["house_ready"]),
        (Wanted(), ["house_ready", "task_done", "task_failed"]),
    ):
        assert [line["event"] for line in await logs.recent(wanted, 10)] == events, wanted


async def test_recent_reads_through_rotated_files_and_past_garbage(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b'\x00\xff\nnot json\n[1]\n{"event": 7}\n\n')
    logs = start(path=path, stdout=False, rotate_bytes=1_000, keep=100)
    for number in range(100):
        log.info("seen", number=number)
        logs.flush()
    assert path.with_name("a.log.3").exists()
    found = await logs.recent(Wanted(), 1_000)
    assert [line["number"] for line in found] == list(range(99, -1, -1))
    logs.close()


def test_a_search_reads_no_more_than_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"".join(b'{"n":%06d}\n' % number for number in range(100_000)))
    lines = list(backwards(path, scan_bytes=130_000))
    assert lines[0] == b'{"n":099999}' and 9_000 < len(lines) <= 10_000


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=Path(__file__).parents[2],
    )


def test_a_crash_is_logged_and_nothing_before_it_is_lost(path: Path) -> None:
    ended = run_python(
        """
        import pathlib, sys, structlog
        from app.logs import start
        start(path=pathlib.Path(sys.argv[1]))
        for number in range(1000):
            structlog.get_logger().info("counted", number=number)
        raise SystemError("out of luck")
        """,
        path,
    )
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert ended.returncode == 1 and "out of luck" in ended.stderr
    assert len(lines) == 1001
    assert lines[-1]["event"] == "uncaught_exception" and lines[-1]["level"] == "critical"
    assert [json.loads(line) for line in ended.stdout.splitlines()] == lines


def test_a_crash_in_a_thread_is_logged(path: Path) -> None:
    run_python(
        """
        import pathlib, sys, threading
        from app.logs import start
        start(path=pathlib.Path(sys.argv[1]), stdout=False)
        def fail():
            raise SystemError("out of luck")
        thread = threading.Thread(target=fail, name="unlucky")
        thread.start()
        thread.join()
        """,
        path,
    )
    (line,) = [json.loads(line) for line in path.read_text().splitlines()]
    assert line["event"] == "uncaught_exception" and line["thread"] == "unlucky"


def test_a_normal_exit_loses_no_line(path: Path) -> None:
    run_python(
        """
        import pathlib, sys, structlog
        from app.logs import start
        start(path=pathlib.Path(sys.argv[1]), stdout=False)
        structlog.get_logger().info("last_words")
        """,
        path,
    )
    assert "last_words" in path.read_text()


async def test_a_blocked_loop_is_measured_and_logged(logs: Logs) -> None:
    lags: list[float] = []
    watch = asyncio.create_task(watch_loop_lag(lags.append))
    await asyncio.sleep(0.25)
    calm = len(lags)
    time.sleep(0.45)  # noqa: ASYNC251 - this is the fault that the watch looks for
    await asyncio.sleep(0.15)
    watch.cancel()
    assert calm >= 1 and max(lags[calm:]) > 0.25
    lines = [line for line in written(logs) if line["event"] == "loop_lag"]
    assert lines and all(line["level"] == "warning" and line["seconds"] > 0.25 for line in lines)


async def test_at_rest_the_loop_is_looked_at_once_a_second() -> None:
    lags: list[float] = []
    watch = asyncio.create_task(watch_loop_lag(lags.append, rests=lambda: True))
    await asyncio.sleep(0.8)
    seen = len(lags)
    await asyncio.sleep(0.6)
    watch.cancel()
    assert (seen, len(lags)) == (0, 1)


async def test_while_there_is_nobody_whom_it_would_delay_the_loop_is_not_looked_at() -> None:
    lags: list[float] = []
    needed = asyncio.Event()
    watch = asyncio.create_task(watch_loop_lag(lags.append, until_needed=needed.wait))
    await asyncio.sleep(0.5)
    assert lags == []
    needed.set()
    await asyncio.sleep(0.35)
    watch.cancel()
    assert 1 <= len(lags) <= 3


def test_a_closed_log_leaves_the_process_as_it_was(path: Path) -> None:
    hooks = sys.excepthook, threading.excepthook, list(logging.getLogger().handlers)
    start(path=path, stdout=False).close()
    assert (sys.excepthook, threading.excepthook, list(logging.getLogger().handlers)) == hooks
    assert not structlog.is_configured()
