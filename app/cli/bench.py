"""``python3 main.py bench``: measures the product beside its peers; what follows goes to bench/run.py."""

import argparse
import subprocess
import sys

from app.config import ROOT, Config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take everything as it is; ``bench actors --help`` explains it."""
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="see: main.py bench actors --help")


def run(arguments: argparse.Namespace, config: Config) -> int:  # noqa: ARG001 - it starts houses with settings of its own
    """Run the benchmark in a process of its own, and return its exit status."""
    script = [sys.executable, str(ROOT / "bench" / "run.py")]
    return subprocess.run([*script, *arguments.rest], check=False).returncode  # noqa: S603 - our own script
