"""``python3 main.py test``: runs the tests, all of them or those that pytest's own arguments name."""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from app.config import ROOT

ALL = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")
"""The whole suite runs on as many cores as there are, up to four: each has a PostgreSQL of its own."""
TRANSPORT = "POSTHOUSE_TEST_TRANSPORT"
TRANSPORTS = {"memory": ("memory",), "redis": ("redis",), "both": ("memory", "redis")}


def run(arguments: Sequence[str]) -> int:
    """Return pytest's exit status. ``--transport`` says how the tests' houses carry their mail; ``both`` runs twice."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--transport", choices=TRANSPORTS, default=os.environ.get(TRANSPORT, "memory"))
    chosen, pytest_arguments = parser.parse_known_args(arguments)
    command = [sys.executable, "-m", "pytest", *(pytest_arguments or ALL)]
    *before, last = TRANSPORTS[chosen.transport]
    for transport in before:
        environment = os.environ | {TRANSPORT: transport}
        if status := subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode:  # noqa: S603
            return status
    return _become(command, os.environ | {TRANSPORT: last})


def _become(command: list[str], environment: Mapping[str, str]) -> NoReturn:
    os.chdir(ROOT)
    os.execve(command[0], command, environment)  # noqa: S606 - without a shell
