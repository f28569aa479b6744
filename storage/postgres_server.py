"""The PostgreSQL that Posthouse brings along: made, started, kept alive and stopped as a child of the house.

It listens on a Unix socket only, in a folder that nobody else may enter, and ends when the house ends, however that
ends. Everything it keeps lies in one folder: ``cluster`` (the data), ``run`` (the socket), ``server.log``, ``lock``.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from storage import child, postgres_files, postgres_leftover
from storage.postgres_files import FolderInUse, PostgresFailed

__all__ = ["FolderInUse", "PostgresFailed", "PostgresServer"]

SOCKET_FOLDER_LIMIT_BYTES = 107 - len("/.s.PGSQL.5432")  # sockaddr_un holds 108 with the closing zero
START_SECONDS = 60.0  # recovery after a crash replays at most max_wal_size; beyond this something is wrong
STOP_SECONDS = 6.0  # of the 10 that a house has to stop; then the server stops without a checkpoint
READY_POLL_SECONDS = 0.01
WATCH_POLL_SECONDS = 0.1
LOG_LIMIT_BYTES = 10_000_000

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",  # not ERROR: the house hears of those, and they would put rows into the log
    "log_checkpoints": "off",
    "wal_init_zero": "off",  # else each new 16 MB of log is written twice: commits waited 45 ms for it, and now 10
    "jit": "off",  # our statements are short: compiling them costs more than it saves
}
FRAGILE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
INITDB = (
    "--username=postgres",
    "--auth=trust",  # whoever may enter the socket's folder may connect
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",  # the same order and case rules on every machine
)


class PostgresServer:
    """One embedded server, its data in ``folder``, which is made if need be.

    Under root the server runs as the owner of that data, at first ``nobody``; see `storage.postgres_files`.
    ``durable=False`` gives up safety against loss of power, for tests. ``max_connections``: about 30 for each house.
    """

    def __init__(self, folder: Path, *, durable: bool = True, max_connections: int = 100) -> None:
        self.folder = folder
        self._settings = SETTINGS | ({} if durable else FRAGILE) | {"max_connections": str(max_connections)}
        self._initdb = INITDB if durable else (*INITDB, "--no-sync")
        self._socket = folder
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """The address for asyncpg; it stays the same when `watch` restarts the server."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._socket))}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it does not run."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> str:
        """Start the server; return its address once it accepts connections (about 0.1 s, the first time under 1 s).

        Blocks, so call it before the event loop runs; and on the main thread, because the kernel ends the server
        together with the *thread* that started it. What an earlier house left running here is ended first.

        Raises:
            FolderInUse: another living house has this folder.
            PostgresFailed: it did not start; the message holds the end of its log.
        """
        self._open()
        try:
            postgres_leftover.end(self._cluster)
            self._spawn()
            while not self._is_ready():
                time.sleep(READY_POLL_SECONDS)
        except BaseException:
            self.stop()
            raise
        return self.dsn

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
                await asyncio.to_thread(postgres_leftover.end, self._cluster)
                self._spawn()
                while not self._is_ready():  # noqa: ASYNC110 - another process becomes ready, no event of ours
                    await asyncio.sleep(READY_POLL_SECONDS)
            except (PostgresFailed, OSError):
                await asyncio.sleep(delay_seconds)
                delay_seconds = min(delay_seconds * 2, 5.0)
            else:
                return

    def stop(self) -> None:
        """Stop the server and give the folder back. Blocks, mostly for some hundredths of a second.

        Committed work is safe even where it must stop without a checkpoint, after 6 s. May be called from any
        thread, and again.
        """
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        lock, self._lock = self._lock, None
        if lock is not None:
            if self._socket.parent != self.folder:
                shutil.rmtree(self._socket, ignore_errors=True)
            lock.close()

    @property
    def _cluster(self) -> Path:
        return self.folder / "cluster"

    def _open(self) -> None:
        """Take the folder and make what is missing in it."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("start PostgreSQL on the main thread: it ends together with the thread that started it")
        self._user = postgres_files.server_user(self.folder / "cluster")
        self._bin = postgres_files.binaries(self._user)
        self.folder = postgres_files.prepare(self.folder, self._user)
        self._lock = postgres_files.lock(self.folder)
        try:
            self._make_cluster()
            self._socket = self._make_socket_folder()
        except BaseException:
            self.stop()
            raise

    def _make_cluster(self) -> None:
        """Run initdb where there is no data yet. Atomic: a half-made cluster is begun anew."""
        if self._cluster.exists():
            return
        draft = self.folder / "cluster.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._user.own(draft)
        done = subprocess.run(  # noqa: S603 - our own program and arguments
            [self._bin / "initdb", *self._initdb, "-D", draft],
            check=False,
            cwd=draft,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **self._identity(),
        )
        if done.returncode != 0:
            raise PostgresFailed(f"initdb failed: {done.stdout.decode(errors='replace')[-2000:]}")
        draft.rename(self._cluster)

    def _make_socket_folder(self) -> Path:
        """Return a folder for the socket: ``run`` beside the data, or a short one where that path is too long."""
        folder = self.folder / "run"
        if len(os.fsencode(folder)) > SOCKET_FOLDER_LIMIT_BYTES:
            folder = Path(tempfile.mkdtemp(prefix="posthouse-"))
        folder.mkdir(mode=0o700, exist_ok=True)
        self._user.own(folder)
        return folder

    def _identity(self) -> dict[str, Any]:
        return {} if self._user.is_me else {"user": self._user.uid, "group": self._user.gid, "extra_groups": []}

    def _spawn(self) -> None:
        for stale in self._socket.iterdir():  # a killed server's lock would stop the next one while its zombie lasts
            stale.unlink()
        settings = self._settings | {"unix_socket_directories": str(self._socket)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        wrapper = child.wrapped(self._user.uid, self._user.gid)
        with self._open_log() as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program and arguments
                [*wrapper, str(self._bin / "postgres"), "-D", str(self._cluster), *options],
                cwd=self.folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # Ctrl-C in a terminal is for the house, which then stops its server
            )
        self._deadline = time.monotonic() + START_SECONDS

    def _open_log(self) -> IO[bytes]:
        """Open the server's log to append; one that has grown large is kept once as ``server.log.1``."""
        path = self.folder / "server.log"
        if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path.open("ab")

    def _is_ready(self) -> bool:
        """Whether the server accepts connections. Raises `PostgresFailed` when it has ended or takes too long."""
        if self.pid is None or time.monotonic() > self._deadline:
            if self._process is not None:
                _end(self._process)
            log = (self.folder / "server.log").read_bytes()[-2000:].decode(errors="replace")
            raise PostgresFailed(f"PostgreSQL did not start. The end of {self.folder / 'server.log'}:\n{log}")
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End our own server: a clean shutdown, then one without a checkpoint, then by force."""
    for how, patience_seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 2.0), (signal.SIGKILL, None)):
        process.send_signal(how)  # does nothing to one that has ended
        try:
            process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            continue
        return


def _environment() -> Mapping[str, str]:
    """What the server gets to see: nothing of ours, so that no PG* or locale variable changes what it does."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
