"""Runs the published JavaScript client in a process of its own."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

_SOURCE = Path(__file__).parent / "node"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "posthouse" / "node-judge"


def install() -> Path:
    """Install the client and the programs that drive it into a cache folder, the client once; return the folder.

    Skips the test without node, or fails where node is required.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        _give_up("node and npm are not here")
    _CACHE.mkdir(parents=True, exist_ok=True)
    for file in _SOURCE.iterdir():
        shutil.copy(file, _CACHE / file.name)
    done = _CACHE / "node_modules" / ".installed"
    wanted = (_SOURCE / "package.json").read_text()
    if not done.exists() or done.read_text() != wanted:
        command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        made = subprocess.run(command, cwd=_CACHE, capture_output=True, text=True, timeout=120, check=False)
        if made.returncode:
            _give_up(f"npm install failed: {made.stderr[-500:]}")
        done.write_text(wanted)
    return _CACHE


def _give_up(reason: str) -> None:
    if os.environ.get("POSTHOUSE_REQUIRE_NODE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class Judge:
    """The client's reports, in order, and a way to give it orders."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.seen: list[dict[str, Any]] = []
        self._process = process

    @classmethod
    @asynccontextmanager
    async def watching(cls, url: str, *tokens: str) -> AsyncIterator["Judge"]:
        """Run the client until the block ends; the first token is its first, the rest is what ``getToken`` answers."""
        async with cls.running("judge.mjs", url, *tokens) as judge:
            yield judge

    @classmethod
    @asynccontextmanager
    async def running(cls, name: str, *arguments: str) -> AsyncIterator["Judge"]:
        """Run one of the programs until the block ends."""
        program = (await asyncio.to_thread(install)) / name
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec("node", str(program), *arguments, stdin=pipe, stdout=pipe)
        judge = cls(process)
        try:
            await judge.until("ready")
            yield judge
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.communicate()

    async def order(self, order: str, **fields: Any) -> None:
        """Tell the client to do something."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode({"order": order, **fields}) + b"\n")
        await self._process.stdin.drain()

    async def next(self) -> dict[str, Any]:
        """Read one report, and keep it nowhere. Raises `ConnectionError` at the end of the program."""
        assert self._process.stdout is not None
        if not (line := await self._process.stdout.readline()):
            raise ConnectionError("the program has ended")
        report: dict[str, Any] = msgspec.json.decode(line)
        return report

    async def until(self, event: str, seconds: float = 15) -> dict[str, Any]:
        """Read reports up to the next one of a kind, and return that."""
        assert self._process.stdout is not None
        async with asyncio.timeout(seconds):
            while line := await self._process.stdout.readline():
                report: dict[str, Any] = msgspec.json.decode(line)
                self.seen.append(report)
                if report["event"] == event:
                    return report
        raise ConnectionError(f"the client ended without {event}: {self.seen[-5:]}")

    def all(self, event: str) -> list[dict[str, Any]]:
        """Return every report of a kind so far."""
        return [report for report in self.seen if report["event"] == event]
