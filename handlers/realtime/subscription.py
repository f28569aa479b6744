"""One client's subscription to one channel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from handlers.realtime.codes import INSUFFICIENT_STATE
from handlers.realtime.connection import Connection

if TYPE_CHECKING:
    from handlers.realtime.feed import Feed

INFINITE = 2**63


class Run:
    """Pushes that go out together, in order: (offset, line), offset 0 for what has no place in the stream."""

    __slots__ = ("first", "lines", "pushes", "size")

    def __init__(self, pushes: Sequence[tuple[int, bytes]]) -> None:
        self.pushes = pushes
        self.lines = [line for _, line in pushes]
        self.first = min(offset or INFINITE for offset, _ in pushes)
        self.size = sum(map(len, self.lines))


class Subscription:
    """Attached to the channel before its past is read: until `go_live`, publications wait in a bounded buffer."""

    __slots__ = ("_waiting", "_waiting_limit", "connection", "feed", "is_attached", "position", "wants_presence")

    def __init__(self, connection: Connection, feed: "Feed", *, wants_presence: bool, waiting_limit: int) -> None:
        self.connection = connection
        self.feed = feed
        self.wants_presence = wants_presence
        self.is_attached = True
        self.position = 0  # offset up to which the reply to the subscribe command tells everything
        self._waiting: list[tuple[int, bytes]] | None = []
        self._waiting_limit = waiting_limit

    @property
    def is_live(self) -> bool:
        """Whether the client has been told that it is subscribed."""
        return self._waiting is None

    def deliver(self, run: Run) -> None:
        """Pass pushes on, but for those that the client knows already."""
        if self._waiting is None and run.first > self.position:
            self.connection.send_all(run.lines, run.size)
            return
        for offset, line in run.pushes:
            self._deliver_one(offset, line)

    def go_live(self) -> None:
        """Let through what has waited."""
        waiting, self._waiting = self._waiting or [], None
        for offset, push in waiting:
            self._deliver_one(offset, push)

    def _deliver_one(self, offset: int, push: bytes) -> None:
        if self._waiting is not None:
            self._wait(offset, push)
        elif not offset or offset > self.position:
            self.connection.send(push)

    def _wait(self, offset: int, push: bytes) -> None:
        if self._waiting is not None and len(self._waiting) < self._waiting_limit:
            self._waiting.append((offset, push))
        else:
            self.connection.close(INSUFFICIENT_STATE)
