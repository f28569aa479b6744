"""``python3 main.py test``: runs the tests, all of them or those that pytest's own arguments name."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from app.config import ROOT

ALL = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")
"""The whole suite runs on as many cores as there are, up to four: each has a PostgreSQL of its own."""


def run(pytest_arguments: Sequence[str]) -> NoReturn:
    """Become pytest, so that its exit status is the command's."""
    os.chdir(ROOT)
    arguments = pytest_arguments or ALL
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])  # noqa: S606 - without a shell
