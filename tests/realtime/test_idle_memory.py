"""What an idle client costs: measured on a house in a process of its own."""

import asyncio
import sys
from pathlib import Path

from bench import sockets

LIMIT_BYTES = 12_288
USERS = 60
ROOT = Path(__file__).parents[2]


async def test_an_idle_socket_costs_at_most_12_kib() -> None:
    command = [sys.executable, "-m", "tests.realtime.idle_house", str(USERS)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    try:
        assert process.stdout is not None
        url, *tokens = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().split()
        figures = await sockets.measure(url, [token for token in tokens for _ in range(10)], process.pid)
    finally:
        process.kill()
        await process.wait()
    sys.stdout.write(f"{figures}\n")  # shown by `pytest -rP`
    assert figures["bytes_per_socket"] < LIMIT_BYTES
