"""One client's subscription to one channel."""

from typing import TYPE_CHECKING

from handlers.realtime.codes import INSUFFICIENT_STATE
from handlers.realtime.connection import Connection

if TYPE_CHECKING:
    from handlers.realtime.feed import Feed


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

    def deliver(self, offset: int, push: bytes) -> None:
        """Pass one push on, unless the client knows it already; ``offset`` 0 has no place in the stream."""
        if self._waiting is not None:
            self._wait(offset, push)
        elif not offset or offset > self.position:
            self.connection.send(push)

    def go_live(self) -> None:
        """Let through what has waited."""
        waiting, self._waiting = self._waiting or [], None
        for offset, push in waiting:
            self.deliver(offset, push)

    def _wait(self, offset: int, push: bytes) -> None:
        if self._waiting is not None and len(self._waiting) < self._waiting_limit:
            self._waiting.append((offset, push))
        else:
            self.connection.close(INSUFFICIENT_STATE)
