"""What a fault test has found out, in one line: shown with -s or on failure, and kept where a report is made of it."""

import json
import os
from pathlib import Path

IS_LONG = os.environ.get("FAULTS") == "full"
REPORT = os.environ.get("FAULTS_REPORT")
"""A file that gets a line of JSON for every outcome: ``main.py faults`` makes a page of them."""


def tell(fault: str, **figures: object) -> None:
    """Say it."""
    line = json.dumps({"fault": fault, **figures}, default=str)
    print(line)  # noqa: T201
    if REPORT:
        with Path(REPORT).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def rounds(short: int, long: int) -> int:
    """How often: briefly in every run of the tests, at length for the report."""
    return long if IS_LONG else short


def summary(seconds: list[float]) -> str:
    """The middle and the worst."""
    ordered = sorted(seconds)
    return f"p50 {ordered[len(ordered) // 2]:.2f}, max {ordered[-1]:.2f}"
