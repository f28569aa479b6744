"""One connected client: who it is, what it is subscribed to, and what waits to be sent to it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from actors.runtime.message import ANONYMOUS
from handlers.ports import ClientInfo
from handlers.realtime.budget import Budget
from handlers.realtime.codes import CLOSED, SLOW, Close
from handlers.realtime.settings import RealtimeSettings
from handlers.realtime.socket import Socket

if TYPE_CHECKING:
    from handlers.realtime.subscription import Subscription


class Connection:
    """Its outbox is bounded and its writer exists only while the socket is behind: an idle client owns neither.

    ``flush_soon`` is asked once for every outbox that starts to fill; whoever is asked calls `flush`.
    """

    __slots__ = (
        "_drain",
        "_flush_soon",
        "_outbox",
        "_outbox_bytes",
        "_settings",
        "budget",
        "busy",
        "caller",
        "check_slot",
        "client",
        "closed_with",
        "expires_at",
        "ping_at",
        "pong_by",
        "socket",
        "subscriptions",
        "task",
        "user_id",
    )

    def __init__(
        self,
        client: str,
        socket: Socket,
        settings: RealtimeSettings,
        flush_soon: Callable[["Connection"], None],
        now: float,
    ) -> None:
        self.client = client
        self.socket = socket
        self.budget = Budget(settings, now)
        self.caller = ANONYMOUS
        self.user_id = ""  # of a connected client
        self.subscriptions: dict[str, Subscription] = {}
        self.task: asyncio.Task[None] | None = None  # reads the socket
        self.busy = False  # a command is being carried out: pongs wait unread
        self.check_slot = 0  # of the wheel
        self.expires_at = float("inf")  # this and the next two: seconds of the monotonic clock
        self.ping_at = float("inf")
        self.pong_by = float("inf")
        self._settings = settings
        self._flush_soon = flush_soon
        self._outbox: list[bytes] = []
        self._outbox_bytes = 0
        self._drain: asyncio.Task[None] | None = None
        self.closed_with: Close | None = None

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended, or is about to."""
        return self.closed_with is not None

    @property
    def is_behind(self) -> bool:
        """Whether more waits for this client than its socket takes, or than a good part of what may wait."""
        return self._drain is not None or self._outbox_bytes > self._settings.outbox_bytes // 2

    @property
    def info(self) -> ClientInfo:
        """How others in a channel see this client."""
        return ClientInfo(user=self.user_id, client=self.client)

    def send(self, line: bytes) -> None:
        """Queue one reply or push; never waits. A reader that is too far behind is closed with 3008."""
        self.send_all((line,), len(line))

    def send_all(self, lines: Sequence[bytes], size: int) -> None:
        """As `send`, for lines of ``size`` bytes in all."""
        if self.closed_with is not None:
            return
        outbox = self._outbox
        if not outbox:
            self._flush_soon(self)
        outbox += lines
        self._outbox_bytes += size
        if len(outbox) >= self._settings.outbox_publications or self._outbox_bytes >= self._settings.outbox_bytes:
            self.flush()
            if self._outbox:
                self.close(SLOW)

    def flush(self) -> None:
        """Write what waits, many lines to a frame, as long as the socket takes it."""
        socket = self.socket
        while self._outbox and not socket.is_full:
            socket.write(self._next_frame())
        if socket.is_full and self._drain is None and self.closed_with is None:
            self._drain = asyncio.get_running_loop().create_task(self._drain_out())

    async def settled(self) -> None:
        """Wait until a client that is behind has caught up: no further command of its is begun before."""
        self.flush()
        if self._drain is not None:
            await asyncio.wait([self._drain])

    def close(self, why: Close) -> None:
        """End the connection once; what waits and still fits goes out before the close frame."""
        if self.closed_with is not None:
            return
        if why is not SLOW:
            self.flush()
        self.closed_with = why
        self._outbox.clear()
        self.socket.close(why)
        if self._drain is not None:
            self._drain.cancel()

    def leave(self) -> None:
        """Take note that the socket is at its end."""
        self.closed_with = self.closed_with or CLOSED
        if self._drain is not None:
            self._drain.cancel()

    def _next_frame(self) -> bytes:
        """Take as many lines as one frame may hold; at least one."""
        outbox = self._outbox
        if self._outbox_bytes <= self._settings.live_frame_bytes:
            self._outbox, self._outbox_bytes = [], 0
            return outbox[0] if len(outbox) == 1 else b"\n".join(outbox)
        count, size = 1, len(outbox[0])
        while count < len(outbox) and size + len(outbox[count]) < self._settings.live_frame_bytes:
            size += len(outbox[count]) + 1
            count += 1
        lines = outbox[:count]
        del outbox[:count]
        self._outbox_bytes -= sum(map(len, lines))
        return b"\n".join(lines)

    async def _drain_out(self) -> None:
        try:
            while self.socket.is_full:
                async with asyncio.timeout(self._settings.send_seconds):
                    await self.socket.drained()
                while self._outbox and not self.socket.is_full:
                    self.socket.write(self._next_frame())
        except TimeoutError:
            self._drain = None
            self.close(SLOW)
        finally:
            self._drain = None
