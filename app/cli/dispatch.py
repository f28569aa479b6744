"""Finds the command that was asked for, reads the settings for it, and shows people errors as sentences."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.config import Config
from app.config_sources import ConfigError, load
from app.obstacles import CannotStart, cannot_keep
from storage.errors import DatabaseUnavailable, HouseTaken, MailUnavailable, MigrationChanged
from storage.postgres_files import FolderInUse, PostgresFailed
from storage.redis_server import RedisFailed

COMMANDS = {
    "serve": "run a house (the default)",
    "cluster": "run several houses behind one port on this machine",
    "test": "run the tests; everything behind it goes to pytest",
    "demo": "play the main story against the running house",
    "tail": "show the log of the running house, for people",
    "migrate": "bring the database to this version's tables",
    "verify": "replay every event and compare with the rows",
    "faults": "break a cluster in every way that we know, and write a report",
    "bench": "measure the house beside its limits and its peers",
    "check-config": "show every setting in force and where it comes from",
}
"""Each is a module beside this one with ``run(arguments, config) -> exit status`` and, if need be, ``add_arguments``.

A module is imported only when its command is given, so that none waits for what another one needs.
"""

EXPECTED = (
    CannotStart, ConfigError, DatabaseUnavailable, FolderInUse, HouseTaken, MailUnavailable, MigrationChanged,
    PostgresFailed, RedisFailed,
)  # fmt: skip
"""What a person can mend: shown as its sentence, without a traceback."""


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 misused."""
    if not argv or (argv[0].startswith("-") and argv[0] not in {"-h", "--help"}):
        argv = ["serve", *argv]
    if argv[0] == "test":
        return int(_module("test").run(argv[1:]))
    arguments = _parse(argv)
    try:
        return _run(arguments, _config(arguments))
    except EXPECTED as error:
        print(f"posthouse: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    except KeyboardInterrupt:
        return 130


def _run(arguments: argparse.Namespace, config: Config) -> int:
    try:
        return int(_module(arguments.command).run(arguments, config))
    except OSError as error:
        raise cannot_keep(config.data_folder, error) or error from None


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="main.py", description="Posthouse: a whole backend in one process.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == argv[0]:
            _add_settings(command)
            if add_arguments := getattr(_module(name), "add_arguments", None):
                add_arguments(command)
    return parser.parse_args(argv)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings (all others: config.toml)")
    group.add_argument("--config", type=Path, metavar="FILE", help="another config.toml")
    group.add_argument("--data", metavar="FOLDER", help="where everything is kept (data.dir)")
    group.add_argument("--host", metavar="ADDRESS", help="address to listen on (http.host)")
    group.add_argument("--port", metavar="NUMBER", help="port to listen on, 0 for a free one (http.port)")


def _config(arguments: argparse.Namespace) -> Config:
    data = arguments.data and str(Path(arguments.data).absolute())  # a path typed here is meant from here
    flags = {("http", "host"): arguments.host, ("http", "port"): arguments.port, ("data", "dir"): data}
    given = {name: text for name, text in flags.items() if text is not None}
    return load(arguments.config, flags=getattr(_module(arguments.command), "FLAGS", {}) | given)


def _module(command: str) -> Any:
    return importlib.import_module(f"app.cli.{command.replace('-', '_')}")
