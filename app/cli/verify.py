"""``python3 main.py verify``: replays every owned stream and compares with its row; or shows one as it was."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime

import msgspec

from app.cli.operator import read_operator
from app.composition import replaying
from app.config import Config
from storage.errors import DatabaseUnavailable
from storage.postgres_server import PostgresServer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what to look at."""
    parser.add_argument("--stream", metavar="STREAM", help="show one entity, such as account:<id> or user:<id>")
    parser.add_argument("--at", metavar="TIME", help="with --stream: as it was at this moment (RFC 3339)")


def run(arguments: argparse.Namespace, config: Config) -> int:
    """Verify the running house's database, or the one in the data folder. Returns 1 when something does not agree."""
    operator = read_operator(config.data_folder)
    dsn = config.postgres.dsn or (operator.dsn if operator else "")
    if dsn:
        try:
            return asyncio.run(look(arguments, config, dsn))
        except DatabaseUnavailable:
            if config.postgres.dsn:
                raise
    server = PostgresServer(config.data_folder / "postgres")
    try:
        return asyncio.run(look(arguments, config, server.start()))
    finally:
        server.stop()


async def look(arguments: argparse.Namespace, config: Config, dsn: str) -> int:
    """Do what was asked."""
    async with replaying(config, dsn) as replay:
        if arguments.stream:
            at = datetime.fromisoformat(arguments.at) if arguments.at else None
            state, n, is_whole = await replay.state(arguments.stream, at and (at if at.tzinfo else at.replace(tzinfo=UTC)))
            if not is_whole:
                print("the beginning of this stream was deleted by age", file=sys.stderr)
                return 1
            print(msgspec.json.format(msgspec.json.encode({"n": n, "state": state})).decode())
            return 0
        checked, differences = 0, 0
        async for difference in replay.verify():
            checked += 1
            if difference is not None:
                differences += 1
                print(f"  {difference.stream}: {difference.what}")
            if sys.stdout.isatty() and checked % 100 == 0:
                print(f"\r  {checked} streams", end="", flush=True)
        print(f"{checked} streams replayed, {differences} differ from their rows")
        return 1 if differences else 0
