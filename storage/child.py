"""Becomes another program: gives up root, ties its life to its parent's, then executes the program in its own place.

Run as a script: ``child.py PARENT UID GID PROGRAM ARGUMENT...``. A program of its own rather than a
``preexec_fn``, because running Python between fork and exec can deadlock a process that has threads.
Standard library only: it runs without the virtual environment's packages.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def wrapped(uid: int, gid: int) -> list[str]:
    """Return what a command must begin with to run as this user, and to hear SIGINT when this *thread* ends."""
    return [sys.executable, "-IS", __file__, str(os.getpid()), str(uid), str(gid)]


def main(parent: int, uid: int, gid: int, command: list[str]) -> None:
    """Never returns: either this process is the program, or it ends because its parent has gone."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid, which clears it. SIGINT asks PostgreSQL, Redis and a house alike to stop properly, and at once.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        sys.exit("the parent ended before its child began")
    os.execv(command[0], command)  # noqa: S606 - a program that the parent chose, without a shell


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
