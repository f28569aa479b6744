"""``python3 main.py verify``: replays every owned stream and compares with its row; or shows one as it was."""

import argparse
import asyncio
import sys

import msgspec

from app.cli.operator import read_operator
from app.cli.tail import moment
from app.composition import replaying
from app.config import Config
from app.replay import Broken, Replay, shown
from storage.errors import DatabaseUnavailable
from storage.postgres_server import PostgresServer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what to look at."""
    parser.add_argument("--stream", metavar="STREAM", help="show one entity, such as account:<id> or user:<id>")
    parser.add_argument(
        "--at", metavar="WHEN", type=moment, help="with --stream: as it was 10m ago, or at an RFC 3339 time"
    )


def run(arguments: argparse.Namespace, config: Config) -> int:
    """Verify the running house's database, or the one in the data folder. Returns 1 when something does not agree."""
    operator = read_operator(config.data_folder)
    dsn = config.postgres.dsn or (operator.dsn if operator else "")
    if dsn:
        try:
            return asyncio.run(look(arguments, config, dsn))
        except DatabaseUnavailable as error:
            if config.postgres.dsn:
                print(f"The database cannot be reached: {error}", file=sys.stderr)
                return 1
    folder = config.data_folder / "postgres"
    if not folder.exists():
        print(f"There is no house in {config.data_folder}. Start one with: python3 main.py", file=sys.stderr)
        return 1
    server = PostgresServer(folder)
    try:
        return asyncio.run(look(arguments, config, server.start()))
    finally:
        server.stop()


async def look(arguments: argparse.Namespace, config: Config, dsn: str) -> int:
    """Do what was asked."""
    async with replaying(config, dsn) as replay:
        if arguments.stream is None:
            return await compare_all(replay)
        return await show(replay, arguments)


async def show(replay: Replay, arguments: argparse.Namespace) -> int:
    """Print one entity as JSON: its state and the number of the event that it stands at."""
    try:
        state, n, is_whole = await replay.state(arguments.stream, arguments.at)
    except (ValueError, Broken) as error:
        print(error, file=sys.stderr)
        return 1
    if not is_whole or n == 0:
        print("The beginning of this stream was deleted by age." if n else "There was nothing.", file=sys.stderr)
        return 1
    print(msgspec.json.format(msgspec.json.encode({"n": n, "state": shown(state)})).decode())
    return 0


async def compare_all(replay: Replay) -> int:
    """Print what differs, and how much was looked at."""
    checked, differences = 0, 0
    async for difference in replay.verify():
        checked += 1
        if difference is not None:
            differences += 1
            print(f"  {difference.stream}: {difference.what}")
        if sys.stdout.isatty() and checked % 100 == 0:
            print(f"\r  {checked} streams", end="", flush=True)
    print(f"{checked} streams checked, {differences} differ from their rows")
    return 1 if differences else 0
