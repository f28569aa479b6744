"""``python3 main.py faults``: breaks a cluster in every way that we know, at length, and writes what came of it."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app import VERSION
from app.config import ROOT, Config

TESTS = "tests/faults/cluster"
PAGE = """\
# What a cluster of three bore

{verdict} {made}.

Acknowledged: writes that clients were told of since their cluster began. Each was looked for in the events: none was
lost, none was there twice, or else its test has failed and has no row. Two owners: events that a house wrote into a
partition which was not its own at that moment, by the database's own notes.

| fault | acknowledged | found by repeating | never answered | two owners | refused | slowest | figures |
| --- | ---: | ---: | ---: | ---: | --- | ---: | --- |
{rows}
"""
COUNTS = ("acknowledged", "replayed", "left", "two_owners")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say how long, and where the report goes."""
    parser.add_argument("--short", action="store_true", help="as briefly as `test` does it (minutes, not 1.5 hours)")
    parser.add_argument("--report", type=Path, default=Path("faults.md"), metavar="FILE", help="the report (faults.md)")
    parser.add_argument("--only", default="", metavar="WORDS", help="as pytest's -k: frozen, redis, postgresql, border")


def run(arguments: argparse.Namespace, config: Config) -> int:  # noqa: ARG001 - it starts clusters with settings of its own
    """Run the tests one after the other, write the report whatever came of them, and return pytest's exit status."""
    with tempfile.TemporaryDirectory() as folder:
        outcomes = Path(folder) / "outcomes.jsonl"
        environment = os.environ | {"FAULTS_REPORT": str(outcomes)}
        if not arguments.short:
            environment["FAULTS"] = "full"
        command = [sys.executable, "-m", "pytest", "-n", "0", "-v", "-rs", TESTS, "-k", arguments.only]
        status = subprocess.run(command, check=False, cwd=ROOT, env=environment).returncode  # noqa: S603 - our own
        lines = outcomes.read_text(encoding="utf-8").splitlines() if outcomes.exists() else []
    arguments.report.write_text(page([json.loads(line) for line in lines], status), encoding="utf-8")
    print(f"\nThe report: {arguments.report}")
    return status


def page(outcomes: Iterable[Mapping[str, Any]], status: int) -> str:
    """Return the report in Markdown."""
    rows = [row(outcome) for outcome in outcomes]
    verdict = "Everything held." if status == 0 else "**Something did not hold: see the tests' own output.**"
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, version {VERSION}, {os.cpu_count()} cores, {platform.system()}"
    return PAGE.format(verdict=verdict, made=made, rows="\n".join(rows))


def row(outcome: Mapping[str, Any]) -> str:
    """Return one line of its table."""
    told = {"fault", "refused", "slowest_seconds", "owned_writes", *COUNTS}
    counts = " | ".join(str(outcome[name]) for name in COUNTS)
    refused = ", ".join(f"{count} with {code}" for code, count in outcome["refused"].items()) or "none"
    figures = "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in outcome.items() if name not in told)
    return f"| {outcome['fault']} | {counts} | {refused} | {outcome['slowest_seconds']} s | {figures} |"
