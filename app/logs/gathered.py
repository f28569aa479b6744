"""The logs below a data folder as one: a house's own, or those of a cluster and of all its houses."""

from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from app.logs.following import Follower
from app.logs.reading import Wanted, newest, written_at


class Log(NamedTuple):
    """One file, and whose it is: None is who owns the data folder."""

    path: Path
    house: str | None

    def told(self, line: bytes) -> bytes:
        """The line as it is in the file; a house of a cluster is named in it, as its first field."""
        return line if self.house is None else b'{"house":"%s",%s' % (self.house.encode(), line.removeprefix(b"{"))


class Gathered:
    """Lines of all logs that are wanted. In order of time, up to what one house writes later than another: 0.1 s.

    Houses that come while it is followed are followed from their first line.
    """

    def __init__(self, own: Path, houses: Path, wanted: Wanted, house: str | None = None) -> None:
        """``own`` is the folder's own log, ``houses`` holds a folder for each house; ``house``: only that one."""
        self._own = own
        self._houses = houses
        self._wanted = wanted
        self._house = house
        self._followed = {log: Follower(log.path) for log in self.logs()}

    def logs(self) -> list[Log]:
        """What there is now."""
        of_houses = sorted(self._houses.glob("*/logs/posthouse.log"))
        found = [Log(self._own, None), *(Log(path, path.parent.parent.name) for path in of_houses)]
        return [log for log in found if self._house in {None, log.house} and log.path.exists()]

    def newest(self, limit: int) -> list[bytes]:
        """The last ``limit`` wanted lines, oldest first."""
        lines = self._in_order((log, reversed(newest(log.path, self._wanted, limit))) for log in self.logs())
        return lines[-limit:] if limit else []

    def new_lines(self) -> list[bytes]:
        """Wanted lines that were completed since the last call."""
        for log in self.logs():
            if log not in self._followed:
                self._followed[log] = Follower(log.path, from_start=True)
        return self._in_order((log, follower.new_lines()) for log, follower in self._followed.items())

    def _in_order(self, found: Iterable[tuple[Log, Iterable[bytes]]]) -> list[bytes]:
        stamped = [(written_at(line), log.told(line)) for log, lines in found for line in self._fitting(lines)]
        if len(self._followed) > 1:
            stamped.sort(key=itemgetter(0))
        return [line for _, line in stamped]

    def _fitting(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        return filter(self._wanted.fits, lines)
