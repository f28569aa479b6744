"""``python3 main.py``: runs a house until it is told to stop."""

import argparse

from app import application
from app.config import Config


def run(arguments: argparse.Namespace, config: Config) -> int:  # noqa: ARG001 - every setting is in the config
    """Serve; returns when the house has stopped, 0 when it stopped as asked."""
    return application.run(config)
