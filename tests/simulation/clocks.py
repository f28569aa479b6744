"""Time and chance as the code under test gets them: from the loop and the seed, in place of the machine's."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from zlib import crc32

from actors.runtime import ids
from actors.runtime.engine.mailbox import Cell
from tests.simulation.loop import Host, SimLoop
from tests.simulation.statements import BASE


class SimClock:
    """A house's clocks; its wall clock may be wrong."""

    def __init__(self, loop: SimLoop, host: Host) -> None:
        self.monotonic = loop.time
        self._loop, self._host = loop, host

    def now(self) -> datetime:
        """The wall clock, UTC."""
        return BASE + timedelta(seconds=self._loop.time() + self._host.clock_error_seconds)


@contextmanager
def owned_time(loop: SimLoop, random: Random, connect: Any) -> Iterator[None]:
    """Replace what modules of the code under test take from the machine: clocks, random ids, connections.

    Actors are hashed by name, not by address: sets of them go in the same order in every run.
    """

    def wall() -> float:
        return BASE.timestamp() + loop.time() + loop.current.clock_error_seconds

    time = SimpleNamespace(
        monotonic=loop.time, time=wall, time_ns=lambda: int(wall() * 1e9), perf_counter=loop.time, perf_counter_ns=int
    )
    with (
        patch.object(ids, "time", time),
        patch.object(ids, "_generator", random),
        patch("storage.house.time", time),
        patch("storage.consumer.time", time),
        patch("storage.house.connect", connect),
        patch("storage.journal.session.connect", connect),
        patch.object(Cell, "__hash__", _named),
    ):
        yield


def _named(cell: Cell) -> int:
    return crc32(f"{cell.office.name}:{cell.key}".encode())
