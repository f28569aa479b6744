"""``python3 main.py cluster -n 3``: runs several houses behind one port, and what they share, until told to stop."""

import argparse

from app.cluster import cluster
from app.config import Config

FLAGS = {("mailbox", "transport"): "memory"}
"""Its houses are told otherwise: `[redis] url` may be empty though the file says ``redis``, for it brings one along."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say how many."""
    parser.add_argument("-n", "--houses", type=_houses, default=3, metavar="N", help="how many houses, 1 to 16 (3)")


def run(arguments: argparse.Namespace, config: Config) -> int:
    """Serve; returns when everything has stopped."""
    return cluster.run(config, arguments.houses)


def _houses(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 16:
        raise argparse.ArgumentTypeError("must be 1 to 16")
    return int(text)
