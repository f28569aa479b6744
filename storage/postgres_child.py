"""Becomes PostgreSQL: gives up root, ties its life to its parent's, then executes the server in its own place.

Run as a script: ``postgres_child.py PARENT UID GID PROGRAM ARGUMENT...``. A program of its own rather than a
``preexec_fn``, because running Python between fork and exec can deadlock a process that has threads.
Standard library only: it runs without the virtual environment's packages.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, uid: int, gid: int, command: list[str]) -> None:
    """Never returns: either this process is the server, or it ends because its parent has gone."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid, which clears it. SIGINT is PostgreSQL's fast shutdown: a house that is killed leaves no server.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        sys.exit("the parent ended before its server began")
    os.execv(command[0], command)  # noqa: S606 - a program that the parent chose, without a shell


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
