"""``tail``: what it shows of a log, and that it keeps up with whatever happens to the file."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import pytest

from app.cli import tail
from app.logs import pretty, start
from app.logs.following import Follower

PROGRAM = """
import argparse, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it runs in the background ignore it
from app.cli import tail
from app.config import Config, Data
parser = argparse.ArgumentParser()
tail.add_arguments(parser)
folder, *arguments = sys.argv[1:]
sys.exit(tail.run(parser.parse_args(arguments), Config(data=Data(dir=folder))))
"""
ROOT = Path(__file__).parents[2]


class Tail:
    """A running tail of the log below ``folder``."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.communicate()

    def next_line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return cast(dict[str, Any], json.loads(self.process.stdout.readline()))

    def next_event(self) -> str:
        return str(self.next_line()["event"])

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, (out or b"").decode(), err.decode()


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    path = tmp_path / "logs" / "posthouse.log"
    path.parent.mkdir()
    return path


def entry(event: str, **fields: object) -> bytes:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return json.dumps({"ts": stamp, "level": "info", "event": event} | fields).encode() + b"\n"


def append(path: Path, *lines: bytes) -> None:
    with path.open("ab") as file:
        file.write(b"".join(lines))


def test_the_last_lines_are_shown_oldest_first(tmp_path: Path, log_file: Path) -> None:
    append(log_file, *(entry(f"event_{number}") for number in range(10)))
    code, out, err = Tail(tmp_path, "--no-follow", "--lines", "3", "--json").end()
    assert (code, err) == (0, "")
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["event_7", "event_8", "event_9"]


def test_json_is_the_line_as_it_is_in_the_file(tmp_path: Path, log_file: Path) -> None:
    append(log_file, entry("odd", text="\u2713\n", n=1.50))
    assert Tail(tmp_path, "--no-follow", "--json").end()[1].encode() == log_file.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "events"),
    [
        pytest.param(["--level", "warning"], ["task_failed", "disk_full"], id="level"),
        pytest.param(["--event", "task_*"], ["task_started", "task_failed"], id="event"),
        pytest.param(["--actor", "task"], ["task_started", "task_failed"], id="kind of actor"),
        pytest.param(["--actor", "task:2"], ["task_failed"], id="actor"),
        pytest.param(["--user", "ann"], ["task_started"], id="user"),
        pytest.param(["--request", "r-2"], ["task_failed"], id="request"),
        pytest.param(["--since", "1h"], ["task_started", "task_failed", "disk_full"], id="since"),
        pytest.param(["--since", "2001-01-01T00:00:00Z", "--level", "error"], ["disk_full"], id="two at once"),
    ],
)
def test_filters_choose_lines(tmp_path: Path, log_file: Path, arguments: list[str], events: list[str]) -> None:
    append(
        log_file,
        entry("ancient", ts="2000-01-01T00:00:00.000000Z"),
        entry("task_started", actor="task:1", user_id="ann", request_id="r-1"),
        entry("task_failed", actor="task:2", user_id="bob", request_id="r-2", level="warning", text="ann"),
        entry("disk_full", level="critical"),
    )
    out = Tail(tmp_path, "--no-follow", "--json", *arguments).end()[1]
    assert [json.loads(line)["event"] for line in out.splitlines()] == events


def test_new_lines_are_followed_through_the_houses_own_rotations(tmp_path: Path, log_file: Path) -> None:
    append(log_file, entry("ready"))
    logs = start(path=log_file, stdout=False, rotate_bytes=600, keep=50)
    with Tail(tmp_path, "--json") as running:
        assert running.next_event() == "ready"
        for number in range(60):
            logs.log("info", "event", {"number": number})
            logs.flush()
            time.sleep(0.005)
        assert len(list(log_file.parent.iterdir())) > 5
        assert [running.next_line()["number"] for _ in range(60)] == list(range(60))
    logs.close()


def test_follow_shows_only_what_fits(tmp_path: Path, log_file: Path) -> None:
    append(log_file, entry("ready", level="error"))
    with Tail(tmp_path, "--json", "--level", "error") as running:
        assert running.next_event() == "ready"
        append(log_file, entry("quiet"), entry("loud", level="error"))
        assert running.next_event() == "loud"


def house_log(folder: Path, name: str) -> Path:
    path = folder / "houses" / name / "logs" / "posthouse.log"
    path.parent.mkdir(parents=True)
    return path


def test_a_clusters_lines_come_in_order_of_time_each_with_its_house(tmp_path: Path, log_file: Path) -> None:
    logs = {"one": house_log(tmp_path, "one"), "two": house_log(tmp_path, "two"), "": log_file}
    for name, event in (("one", "a"), ("two", "b"), ("", "c"), ("one", "d"), ("two", "e")):
        append(logs[name], entry(event))
    lines = [json.loads(line) for line in Tail(tmp_path, "--no-follow", "--json", "--lines", "4").end()[1].splitlines()]
    assert [(line["event"], line.get("house")) for line in lines] == [
        ("b", "two"), ("c", None), ("d", "one"), ("e", "two"),
    ]  # fmt: skip
    out = Tail(tmp_path, "--no-follow", "--house", "one").end()[1].splitlines()
    assert [line.split()[3] for line in out] == ["a", "d"] and all("house=one" in line for line in out)
    assert Tail(tmp_path, "--no-follow", "--house", "three").end()[0] == 1


def test_a_house_that_comes_later_is_followed_from_its_first_line(tmp_path: Path, log_file: Path) -> None:
    append(log_file, entry("ready"))
    with Tail(tmp_path, "--json") as running:
        assert running.next_event() == "ready"
        append(house_log(tmp_path, "one"), entry("house_ready"))
        assert running.next_event() == "house_ready"


def test_garbage_is_passed_over(tmp_path: Path, log_file: Path) -> None:
    append(log_file, b"\x00\xff\xfe\n", b"[]\n", b'{"event": 5}\n', entry("good"), b"{\n", b'{"event":"cut')
    code, out, _ = Tail(tmp_path, "--no-follow", "--json").end()
    assert code == 0 and [json.loads(line)["event"] for line in out.splitlines()] == ["good"]


def test_without_a_log_it_says_how_to_get_one(tmp_path: Path) -> None:
    code, out, err = Tail(tmp_path, "--no-follow").end()
    assert (code, out) == (1, "") and "no log" in err and "python3 main.py" in err


def test_it_waits_for_a_log_that_is_not_there_yet(tmp_path: Path, log_file: Path) -> None:
    with Tail(tmp_path, "--json") as running:
        assert running.process.stderr is not None
        assert b"no log" in running.process.stderr.readline() and b"Waiting" in running.process.stderr.readline()
        append(log_file, entry("hello"))
        assert running.next_event() == "hello"


def test_ctrl_c_ends_it_quietly(tmp_path: Path, log_file: Path) -> None:
    append(log_file, entry("ready"))
    with Tail(tmp_path, "--json") as running:
        assert running.next_event() == "ready"
        running.process.send_signal(signal.SIGINT)
        assert running.end() == (0, "", "")


def test_a_reader_that_has_enough_ends_it_quietly(tmp_path: Path, log_file: Path) -> None:
    append(log_file, *(entry(f"event_{number}", text="x" * 1000) for number in range(2000)))
    with Tail(tmp_path, "--json", "--no-follow", "--lines", "2000") as running:
        assert running.process.stdout is not None
        running.next_event()
        running.process.stdout.close()
        running.process.stdout = None
        assert running.end()[::2] == (0, "")


@pytest.fixture
def follower(log_file: Path) -> Iterator[Follower]:
    append(log_file, entry("old"))
    following = Follower(log_file)
    yield following
    following.close()


def events(follower: Follower) -> list[str]:
    return [json.loads(line)["event"] for line in follower.new_lines()]


def test_the_follower_starts_at_the_end_and_waits_for_whole_lines(follower: Follower, log_file: Path) -> None:
    line = entry("split")
    assert events(follower) == []
    append(log_file, line[:10])
    assert events(follower) == []
    append(log_file, line[10:], entry("next"))
    assert events(follower) == ["split", "next"]


def test_the_follower_survives_a_line_that_was_half_there_at_the_start(log_file: Path) -> None:
    line = entry("half")
    append(log_file, entry("old"), line[:10])
    follower = Follower(log_file)
    append(log_file, line[10:])
    assert events(follower) == ["half"]
    follower.close()


def test_the_follower_survives_truncation(follower: Follower, log_file: Path) -> None:
    os.truncate(log_file, 0)
    assert events(follower) == []
    append(log_file, entry("a"))
    assert events(follower) == ["a"]


def test_the_follower_misses_nothing_over_several_rotations_at_once(follower: Follower, log_file: Path) -> None:
    one, two, three = (log_file.with_name(f"{log_file.name}.{number}") for number in (1, 2, 3))
    append(log_file, entry("a"))
    log_file.rename(three)
    append(two, entry("b"))
    append(one, entry("c"))
    append(log_file, entry("d"))
    assert events(follower) == ["a", "b", "c", "d"]
    append(log_file, entry("e"))
    assert events(follower) == ["e"]


def test_the_follower_goes_on_when_its_file_was_rotated_out_of_existence(follower: Follower, log_file: Path) -> None:
    log_file.unlink()
    append(log_file.with_name(f"{log_file.name}.1"), entry("b"))
    append(log_file, entry("c"))
    assert events(follower) == ["b", "c"]


def test_the_follower_shows_no_older_file_when_the_log_was_deleted(log_file: Path) -> None:
    append(log_file.with_name(f"{log_file.name}.1"), entry("ancient"))
    time.sleep(0.02)
    append(log_file, entry("old"))
    follower = Follower(log_file)
    log_file.unlink()
    append(log_file, entry("new"))
    assert events(follower) == ["new"]
    follower.close()


def test_the_follower_waits_while_the_file_is_away(follower: Follower, log_file: Path) -> None:
    log_file.rename(log_file.with_name("elsewhere"))
    assert events(follower) == []
    append(log_file, entry("back"))
    assert events(follower) == ["back"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("90s", datetime(2026, 1, 1, 11, 58, 30, tzinfo=UTC), id="seconds"),
        pytest.param("10m", datetime(2026, 1, 1, 11, 50, tzinfo=UTC), id="minutes"),
        pytest.param("2h", datetime(2026, 1, 1, 10, tzinfo=UTC), id="hours"),
        pytest.param("1d", datetime(2025, 12, 31, 12, tzinfo=UTC), id="days"),
        pytest.param("2026-01-01T11:00:00Z", datetime(2026, 1, 1, 11, tzinfo=UTC), id="utc"),
        pytest.param("2026-01-01T13:00:00+02:00", datetime(2026, 1, 1, 11, tzinfo=UTC), id="offset"),
        pytest.param("2026-01-01T11:00:00", datetime(2026, 1, 1, 11, tzinfo=UTC), id="no zone is UTC"),
    ],
)
def test_since_takes_a_span_or_a_moment(text: str, moment: datetime) -> None:
    assert tail.moment(text, now=datetime(2026, 1, 1, 12, tzinfo=UTC)) == moment


@pytest.mark.parametrize("text", ["", "soon", "10", "10x", "-5m", "2026-13-01", "99999999999d"])
def test_since_refuses_what_is_neither(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        tail.moment(text)


def test_a_pretty_row_has_time_level_event_and_fields() -> None:
    row = pretty(colors=False)(
        b'{"ts":"2026-01-01T12:34:56.789012Z","level":"info","event":"task_done","n":1,"to":"ann"}'
    )
    assert row.startswith(b"12:34:56.789") and row.count(b"\n") == 1
    for part in (b"info", b"task_done", b"n=1", b"to=ann"):
        assert part in row


def test_colours_are_for_terminals_only() -> None:
    line = entry("task_done", text="x")
    assert b"\x1b[" in pretty(colors=True)(line) and b"\x1b[" not in pretty(colors=False)(line)


def test_what_others_sent_cannot_steer_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\r\x9b2J"
    for line in (entry("x", text=evil), entry(evil), entry("x", **{evil: 1}), entry("x", deep=[evil]), evil.encode()):
        row = pretty(colors=False)(line)
        assert not any(code in row.decode() for code in "\x1b\x07\r\x9b"), line


def test_a_traceback_keeps_its_lines() -> None:
    row = pretty(colors=False)(entry("boom", exception="Traceback:\n  File x\nError: y"))
    assert b"\n  File x\n" in row


def test_recent_spans_are_measured_from_now() -> None:
    now = datetime.now(UTC)
    assert timedelta(0) <= tail.moment("10m") - (now - timedelta(minutes=10)) < timedelta(seconds=5)
