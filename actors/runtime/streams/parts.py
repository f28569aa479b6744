"""What the parts of the transport share: who this house is, what it owns, and the clock of all houses."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from actors.runtime.ports import Lease, Mail
from actors.runtime.streams.asked import Asked
from actors.runtime.streams.owned import Owned
from actors.runtime.streams.post import Post
from actors.runtime.streams.wire import Wire
from actors.runtime.transport import Destination


class SharedClock:
    """The clock of the server that holds the streams, as this house reckons it."""

    def __init__(self) -> None:
        self._offset_ms = 0.0
        self._round_trip_ms = float("inf")

    def now_ms(self) -> float:
        """Its time now."""
        return asyncio.get_running_loop().time() * 1000 + self._offset_ms

    async def measure(self, mail: Mail) -> None:
        """Ask for it. Raises as `Mail.now_ms` does."""
        loop = asyncio.get_running_loop()
        sent_ms = loop.time() * 1000
        now_ms = await mail.now_ms()
        took_ms = loop.time() * 1000 - sent_ms
        if took_ms <= self._round_trip_ms:  # the quickest recent round trip knows best; clocks drift
            self._round_trip_ms, self._offset_ms = took_ms, now_ms - sent_ms - took_ms / 2
        self._round_trip_ms *= 1.5


@dataclass(slots=True, eq=False)
class Parts:
    """See the module. ``owned`` has a place for every partition; None: not this house's."""

    lease: Lease
    mail: Mail
    wire: Wire
    asked: Asked
    post: Post
    owned: list[Owned | None]
    clock: SharedClock = field(default_factory=SharedClock)
    destinations: dict[str, Destination] = field(default_factory=dict)
    crowded: dict[str, int] = field(default_factory=dict)  # stream -> its length, of those that are too long
    on_moved: Callable[[], None] = lambda: None  # another house says that partitions have moved
    lag: int = 0  # entries in this house's streams that it had not read, when it last looked
    late: int = 0  # messages that were dropped because later ones had overtaken them
    not_understood: int = 0

    def of(self, stream: str) -> Owned | None:
        """The partition that a stream belongs to, if it is this house's."""
        return self.owned[int(stream[3:])]
