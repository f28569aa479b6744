"""``main.py`` of a house that ends itself as kill -9 does, when it comes to a named point for the N-th time.

All houses of its cluster run it, since it takes away the rule against houses that start again and again as well.
``FAULT_POINT=after_commit:37``. Nothing of this is in the house: the points are put around what it calls.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from actors.runtime.placement import placement
from app.cli.dispatch import main
from storage.journal.session import Session
from storage.redis.mail import RedisMail

POINTS = ("before_commit", "after_commit", "before_append", "after_append", "before_delete", "after_delete")
"""COMMIT of the journal; XADD of mail and answers; XDEL of what was handled, which is what acknowledges it."""


class Fuse:
    """Burns down each time that the point is reached."""

    def __init__(self, setting: str) -> None:
        self._point, _, count = setting.partition(":")
        self._left = int(count)

    def reached(self, point: str) -> None:
        """End here, or go on."""
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def arm(fuse: Fuse) -> None:
    """Put the points where they belong."""
    setattr(Session, "commit", around(fuse, Session.commit))  # noqa: B010 - a method is replaced
    setattr(Session, "commit_at_once", around(fuse, Session.commit_at_once))  # noqa: B010 - another one
    write = RedisMail.write

    async def written(
        self: RedisMail, appends: Sequence[tuple[str, bytes]], done: Mapping[str, Sequence[bytes]]
    ) -> Mapping[str, int]:
        points = [name for name, is_there in (("append", appends), ("delete", done)) if is_there]
        for name in points:
            fuse.reached(f"before_{name}")
        lengths = await write(self, appends, done)
        for name in points:
            fuse.reached(f"after_{name}")
        return lengths

    setattr(RedisMail, "write", written)  # noqa: B010 - a method is replaced


def around(fuse: Fuse, commit: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The same, with a point before and one behind it."""

    async def committed(*args: Any) -> Any:
        fuse.reached("before_commit")
        result = await commit(*args)
        fuse.reached("after_commit")
        return result

    return committed


if __name__ == "__main__":
    placement.JOINS_SECONDS = 0.0  # who starts so often gets nothing from houses that run: it would have nothing to do
    if setting := os.environ.get("FAULT_POINT"):
        arm(Fuse(setting))
    sys.exit(main(sys.argv[1:]))
