"""``python3 main.py migrate``: brings the database to this version's tables, without serving from it."""

import argparse
import asyncio

from app.config import Config
from storage.migrations import migrate
from storage.postgres_server import PostgresServer


def run(arguments: argparse.Namespace, config: Config) -> int:  # noqa: ARG001 - every setting is in the config
    """Apply what is missing and name it; starts the embedded PostgreSQL for as long as that takes."""
    if config.postgres.dsn:
        return _migrate(config.postgres.dsn)
    server = PostgresServer(config.data_folder / "postgres")
    try:
        return _migrate(server.start())
    finally:
        server.stop()


def _migrate(dsn: str) -> int:
    applied = asyncio.run(migrate(dsn))
    print("\n".join(f"applied {name}" for name in applied) or "nothing to apply: the database is up to date")
    return 0
