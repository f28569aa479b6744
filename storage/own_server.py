"""A server that Posthouse brings along: started, kept alive and stopped as a child of the process.

It listens on a Unix socket only, in a folder that nobody else may enter, and ends when its process ends, however that
ends. Everything it keeps lies in one folder, among it ``run`` (the socket), ``server.log`` and ``lock``.
"""

import asyncio
import os
import shutil
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import IO, ClassVar

READY_POLL_SECONDS = 0.01
WATCH_POLL_SECONDS = 0.1


class OwnServer(ABC):
    """One server, its data in ``folder``, which is made if need be.

    Start it on the main thread: the kernel ends it together with the *thread* that started it.
    """

    name: ClassVar[str]
    failed: ClassVar[type[Exception]]
    """What is raised when it does not start; the message holds the end of its log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run = folder / "run"
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._deadline = 0.0

    @property
    @abstractmethod
    def address(self) -> str:
        """Where it listens; it stays the same when `watch` restarts the server."""

    @abstractmethod
    def _open(self) -> None:
        """Take the folder, and make what is missing in it."""

    @abstractmethod
    def _spawn(self) -> None:
        """Start the process, and set until when it must be ready."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the process that was started accepts connections."""

    @abstractmethod
    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End it as gently as there is time for. Blocks."""

    def _clear_way(self) -> None:  # noqa: B027 - where nothing can be left there is nothing to do
        """End what an earlier owner of the folder has left running. Blocks."""

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it does not run."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> str:
        """Start the server; return its address once it accepts connections. Blocks.

        Raises:
            FolderInUse: another living process has this folder.
            Exception: `failed`, when it did not start.
        """
        self._open()
        try:
            self._clear_way()
            self._spawn()
            while not self._is_ready():
                time.sleep(READY_POLL_SECONDS)
        except BaseException:
            self.stop()
            raise
        return self.address

    async def watch(self, restarted: Callable[[float], None]) -> None:
        """Restart the server whenever it ends by itself, until cancelled; runs on the main thread's loop.

        ``restarted`` is called with the seconds it was away. A server that does not come back is tried again for
        ever, with a delay that grows to 5 s. Cancel this before `stop`.
        """
        while True:
            await self._ended()
            if self.pid is None:
                began = time.monotonic()
                await self._restart()
                restarted(time.monotonic() - began)

    def stop(self) -> None:
        """Stop the server and give the folder back. Blocks. May be called from any thread, and again."""
        process, self._process = self._process, None
        if process is not None:
            self._end(process)
        lock, self._lock = self._lock, None
        if lock is not None:
            if self._run.parent != self.folder:
                shutil.rmtree(self._run, ignore_errors=True)
            lock.close()

    async def _ended(self) -> None:
        """Return when the server's process has ended, or perhaps. Where the kernel tells (Linux), nobody looks."""
        assert self._process is not None  # noqa: S101 - `start` has returned
        ended, loop = asyncio.Event(), asyncio.get_running_loop()
        try:
            process = os.pidfd_open(self._process.pid)
        except (AttributeError, OSError):  # another system, a sandbox that forbids it, or it has ended already
            await asyncio.sleep(WATCH_POLL_SECONDS)
            return
        loop.add_reader(process, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(process)
            os.close(process)

    async def _restart(self) -> None:
        delay_seconds = 0.1
        while True:
            try:
                await asyncio.to_thread(self._clear_way)
                self._spawn()
                while not self._is_ready():  # noqa: ASYNC110 - another process becomes ready, no event of ours
                    await asyncio.sleep(READY_POLL_SECONDS)
            except (self.failed, OSError):
                await asyncio.sleep(delay_seconds)
                delay_seconds = min(delay_seconds * 2, 5.0)
            else:
                return

    def _is_ready(self) -> bool:
        if self.pid is None or time.monotonic() > self._deadline:
            if self._process is not None:
                self._end(self._process)
            log = (self.folder / "server.log").read_bytes()[-2000:].decode(errors="replace")
            raise self.failed(f"{self.name} did not start. The end of {self.folder / 'server.log'}:\n{log}")
        return self._answers()
