"""A Redis small enough to be simulated: streams, and channels that tell whoever listens. It may lose everything."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tests.simulation.loop import SimLoop
from tests.simulation.network import Server, Wire

Entry = tuple[str, bytes, bytes]


class Reader(NamedTuple):
    """A read that waits for the first entry."""

    wire: Wire
    after: Mapping[str, bytes]
    most: int
    done: Callable[[Sequence[Entry]], None]


class SimRedis(Server):
    """The server."""

    def __init__(self, loop: SimLoop) -> None:
        super().__init__("redis")
        self.loop = loop
        self.streams: dict[str, dict[bytes, bytes]] = {}
        self.readers: list[Reader] = []
        self.listeners: list[tuple[Wire, Callable[[], None]]] = []
        self.loses: dict[str, int] = {}  # host -> behind how many appends of its next write the wire is lost
        self._last = (0, 0)

    def now_ms(self) -> int:
        """Its clock."""
        return int(self.loop._now * 1000) + 1_767_225_600_000

    def append(self, stream: str, data: bytes) -> None:
        """XADD."""
        now = self.now_ms()
        self._last = (now, self._last[1] + 1) if self._last[0] >= now else (now, 0)
        self.streams.setdefault(stream, {})[b"%013d-%05d" % self._last] = data
        for reader in [reader for reader in self.readers if stream in reader.after]:
            self.readers.remove(reader)
            self.answer(reader)

    def delete(self, stream: str, entries: Sequence[bytes]) -> None:
        """XDEL. A stream whose last entry goes stays, as an empty one."""
        held = self.streams.get(stream, {})
        for entry in entries:
            held.pop(entry, None)

    def read(self, reader: Reader, block_seconds: float) -> None:
        """XREAD: at once where there is something, else when it comes, or with nothing when it is time."""
        if not self.answer(reader):
            self.readers.append(reader)
            self.loop.at(self.loop.nature, self.loop.time() + block_seconds, self._overdue, reader)

    def answer(self, reader: Reader) -> bool:
        """Answer with what lies behind the given ids, if anything does."""
        found: list[Entry] = []
        for stream, after in reader.after.items():
            entries = [(stream, entry, data) for entry, data in self.streams.get(stream, {}).items() if entry > after]
            found += entries[: reader.most]
        if found:
            reader.wire.reply(reader.done, found)
        return bool(found)

    def _overdue(self, reader: Reader) -> None:
        if reader in self.readers:
            self.readers.remove(reader)
            reader.wire.reply(reader.done, [])

    def publish(self) -> None:
        """Tell everybody who listens."""
        for wire, heard in self.listeners:
            wire.reply(heard)

    def flush(self) -> None:
        """Lose everything."""
        self.streams.clear()

    def restart(self) -> None:
        """End all connections; what was not on the disk is gone (here: everything)."""
        self.flush()
        self.readers.clear()
        self.listeners.clear()
        for wire in list(self.wires):
            wire.cut(drops_there=True)
