"""What the parts of the transport share: who this house is, what it owns, and the clock of all houses."""

from collections.abc import Callable
from dataclasses import dataclass, field

from actors.runtime.ports import Lease, Mail
from actors.runtime.streams.asked import Asked
from actors.runtime.streams.clock import SharedClock
from actors.runtime.streams.owned import Owned
from actors.runtime.streams.post import Post
from actors.runtime.streams.wire import Wire
from actors.runtime.transport import Destination


@dataclass(slots=True, eq=False)
class Parts:
    """See the module. ``owned`` has a place for every partition; None: not this house's."""

    lease: Lease
    mail: Mail
    wire: Wire
    asked: Asked
    post: Post
    clock: SharedClock
    owned: list[Owned | None]
    destinations: dict[str, Destination] = field(default_factory=dict)
    crowded: dict[str, int] = field(default_factory=dict)  # stream -> its length, of those that are too long
    on_moved: Callable[[], None] = lambda: None  # another house says that partitions have moved
    lag: int = 0  # entries in this house's streams that it had not read, when it last looked
    late: int = 0  # messages that were dropped because later ones had overtaken them
    not_understood: int = 0

    def of(self, stream: str) -> Owned | None:
        """The partition that a stream belongs to, if it is this house's."""
        return self.owned[int(stream[3:])]
