"""Ends what an earlier life of a cluster left behind: a server whose house was killed, or parts of a killed server."""

import contextlib
import signal
from pathlib import Path

import psutil

PATIENCE_SECONDS = 5.0


def end(cluster: Path) -> None:
    """End every PostgreSQL process that works in ``cluster``, and remove the file that would stop the next one.

    The caller holds the folder's lock, so none of them belongs to a living house. First politely (SIGINT: a clean
    shutdown), then without a checkpoint (SIGQUIT), then by force. Committed work is safe in each case. Blocks up to
    15 s; costs nothing where the last server was stopped properly.
    """
    pid_file = cluster / "postmaster.pid"
    if not pid_file.exists():
        return
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        processes = _working_in(cluster)
        if not processes:
            break
        for process in _leaders(processes) if how is signal.SIGINT else processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(how)
        psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)
    pid_file.unlink(missing_ok=True)


def _working_in(cluster: Path) -> list[psutil.Process]:
    """List the living server processes of this cluster, by name and working folder: a process id may be reused."""
    found = []
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if (process.info["name"] or "").startswith("postgres") and process.cwd() == str(cluster):
                found.append(process)
    return found


def _leaders(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return the servers that are not children of another one; when the server itself is dead, all of its parts.

    A part (a backend) understands SIGINT as "cancel the query", so only a leader is asked to shut down with it.
    """
    ids = {process.pid for process in processes}
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.ppid() not in ids:
                found.append(process)
    return found
