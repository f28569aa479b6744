"""``python3 main.py tail``: shows the log of a house, or of a cluster, to a person, filtered, coloured, as it grows."""

import argparse
import os
import re
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from app.config import Config
from app.logs import Wanted, pretty
from app.logs.gathered import Gathered
from app.logs.line import LEVELS

_POLL_SECONDS = 0.2
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.add_argument("--level", choices=tuple(LEVELS), help="this level and worse")
    parser.add_argument("--event", metavar="WORD", help="the event, * and ? allowed: 'task_*'")
    parser.add_argument("--actor", metavar="KIND[:KEY]", help="a kind of actor, or one actor")
    parser.add_argument("--user", metavar="ID", help="what this user caused")
    parser.add_argument("--request", metavar="ID", help="one request, by its X-Request-ID")
    parser.add_argument("--house", metavar="NAME", help="only this house of the cluster")
    parser.add_argument("--since", type=moment, metavar="WHEN", help="10m, 2h, 1d, or 2026-01-31T12:00:00Z")
    parser.add_argument("--lines", type=_count, default=50, metavar="N", help="how many old lines to show (50)")
    parser.add_argument("--no-follow", action="store_true", help="show what is there and end")
    parser.add_argument("--json", action="store_true", help="print the lines as they are in the file")


def run(arguments: argparse.Namespace, config: Config) -> int:
    """Print lines until Ctrl-C (with ``--no-follow``: until the end). Returns the exit code."""
    wanted = Wanted(
        level=arguments.level,
        event=arguments.event,
        actor=arguments.actor,
        user_id=arguments.user,
        request_id=arguments.request,
        since=arguments.since,
    )
    gathered = Gathered(config.log_file, config.data_folder / "houses", wanted, arguments.house)
    if not gathered.logs():
        where = config.log_file if arguments.house is None else f"{config.data_folder}, of a house {arguments.house},"
        _say(f"There is no log at {where} yet. Start the house with: python3 main.py")
        if arguments.no_follow:
            return 1
        _say("Waiting for it (Ctrl-C ends) ...")
    try:
        _show(gathered, arguments)
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # `tail | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def moment(text: str, now: datetime | None = None) -> datetime:
    """Read ``10m`` (that long ago; s, m, h, d) or an RFC 3339 time; one without a zone is UTC."""
    try:
        if match := re.fullmatch(r"(\d+)([smhd])", text):
            return (now or datetime.now(UTC)) - timedelta(**{_UNITS[match[2]]: int(match[1])})
        when = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        message = f"{text!r} is neither like 10m nor like 2026-01-31T12:00:00Z"
        raise argparse.ArgumentTypeError(message) from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("must be 0 or more")
    return int(text)


def _show(gathered: Gathered, arguments: argparse.Namespace) -> None:
    render = None if arguments.json else pretty(colors=sys.stdout.isatty())

    def emit(lines: Iterable[bytes]) -> None:
        for line in lines:
            sys.stdout.buffer.write(render(line) if render else line + b"\n")
        sys.stdout.buffer.flush()

    emit(gathered.newest(arguments.lines))
    while not arguments.no_follow:
        emit(gathered.new_lines())
        time.sleep(_POLL_SECONDS)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
