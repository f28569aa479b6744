"""The PostgreSQL that Posthouse brings along. Its data lie in ``cluster``, beside what `storage.own_server` keeps."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from storage import child, postgres_files, postgres_leftover
from storage.own_server import OwnServer
from storage.postgres_files import FolderInUse, PostgresFailed

__all__ = ["FolderInUse", "PostgresFailed", "PostgresServer"]

SOCKET_FOLDER_LIMIT_BYTES = 107 - len("/.s.PGSQL.5432")  # sockaddr_un holds 108 with the closing zero
START_SECONDS = 60.0  # recovery after a crash replays at most max_wal_size; beyond this something is wrong
STOP_SECONDS = 6.0  # of the 10 that a house has to stop; then the server stops without a checkpoint
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
    "wal_sync_method": "open_datasync",  # one call where fdatasync takes two: POSTs of a task 8,500 -> 8,900 a second
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


class PostgresServer(OwnServer):
    """One embedded server, ready after about 0.1 s, the first time under 1 s. It stops in some hundredths of a second.

    Under root the server runs as the owner of its data, at first ``nobody``; see `storage.postgres_files`.
    ``durable=False`` gives up safety against loss of power, for tests. ``max_connections``: about 30 for each house.
    Committed work is safe even where it must stop without a checkpoint, after 6 s.
    """

    name = "PostgreSQL"
    failed = PostgresFailed

    def __init__(self, folder: Path, *, durable: bool = True, max_connections: int = 100) -> None:
        super().__init__(folder)
        self._settings = SETTINGS | ({} if durable else FRAGILE) | {"max_connections": str(max_connections)}
        self._initdb = INITDB if durable else (*INITDB, "--no-sync")

    @property
    def address(self) -> str:
        """The address for asyncpg."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._run))}"

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
            self._run = self._make_socket_folder()
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
        for stale in self._run.iterdir():  # a killed server's lock would stop the next one while its zombie lasts
            stale.unlink()
        settings = self._settings | {"unix_socket_directories": str(self._run)}
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

    def _clear_way(self) -> None:
        postgres_leftover.end(self._cluster)

    def _answers(self) -> bool:
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End it: a clean shutdown, then one without a checkpoint, then by force."""
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
