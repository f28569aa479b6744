"""``python3 main.py test``: runs the tests, all of them or those that pytest's own arguments name."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from app.config import ROOT


def run(pytest_arguments: Sequence[str]) -> NoReturn:
    """Become pytest, so that its exit status is the command's."""
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *pytest_arguments])  # noqa: S606 - without a shell
