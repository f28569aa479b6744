"""One channel with its subscribers in this house: every publication once, in the order of its offsets, no gaps."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from handlers.ports import Publication, Streams
from handlers.realtime import replies
from handlers.realtime.codes import INSUFFICIENT_STATE
from handlers.realtime.settings import RealtimeSettings
from handlers.realtime.subscription import Run, Subscription

Found = Callable[[str, Sequence[Publication]], None]
"""Hears, before anybody is given it, what was read from the event table because nobody had published it."""

_log = logging.getLogger(__name__)
_READS = 3


class Feed:
    """Turns that run at the same time may publish out of order: what comes early is held until the rest is there.

    What does not come by itself is read from the event table; subscribers for whom even that fails are closed with
    3010, come back, and are told what can be recovered. ``position`` is None until the first subscriber has asked
    where the stream stands.
    """

    __slots__ = (
        "_filling",
        "_found",
        "_head",
        "_held",
        "_settings",
        "_streams",
        "channel",
        "heard",
        "position",
        "subscriptions",
    )

    def __init__(self, channel: str, streams: Streams, settings: RealtimeSettings, found: Found) -> None:
        self.channel = channel
        self.position: int | None = None
        self.heard: asyncio.Future[None] | None = None  # done when other houses are heard; None: there are none
        self.subscriptions: dict[str, Subscription] = {}  # by client id
        self._found = found
        self._streams = streams
        self._settings = settings
        self._held: dict[int, bytes] = {}
        self._head = 0  # highest offset heard of
        self._filling: asyncio.Task[None] | None = None

    def publish(self, publications: Sequence[tuple[int, bytes]]) -> None:
        """Deliver now what is next, hold what is early, drop what was delivered before."""
        ready: list[tuple[int, bytes]] = []
        for offset, data in publications:
            if not offset:
                ready.append((0, data))
            elif self.position is None or offset > self.position + 1:
                self._hold(offset, data)
            elif offset == self.position + 1:
                self.position = offset
                ready.append((offset, data))
                ready += self._release()
        self._deliver(ready)

    def start(self, position: int) -> None:
        """Say where the stream stands; counts the first time only."""
        if self.position is not None:
            return
        self.position = position
        self._held = {offset: data for offset, data in self._held.items() if offset > position}
        self._deliver(self._release())
        if self._head > self.position:
            self._fill_soon()

    def compare(self, head: int) -> None:
        """Read what is missing, should the stream have come further than anybody has told."""
        if self.position is not None and head > self.position:
            self._head = max(self._head, head)
            self._fill_soon()

    def stop(self) -> None:
        """Nobody is subscribed any more."""
        if self._filling is not None:
            self._filling.cancel()

    def _deliver(self, ready: Sequence[tuple[int, bytes]]) -> None:
        if ready:
            run = Run([(offset, replies.publication(self.channel, offset, data)) for offset, data in ready])
            for subscription in self.subscriptions.values():
                subscription.deliver(run)

    def _release(self) -> list[tuple[int, bytes]]:
        """Take out what was held and is next now."""
        ready: list[tuple[int, bytes]] = []
        while self._held and self.position is not None and self.position + 1 in self._held:
            self.position += 1
            ready.append((self.position, self._held.pop(self.position)))
        return ready

    def _hold(self, offset: int, data: bytes) -> None:
        self._head = max(self._head, offset)
        if len(self._held) < self._settings.gap_publications:
            self._held[offset] = data
        if self.position is not None:
            self._fill_soon()

    def _fill_soon(self) -> None:
        if self._filling is None:
            self._filling = asyncio.get_running_loop().create_task(self._fill())

    async def _fill(self) -> None:
        try:
            await asyncio.sleep(self._settings.gap_wait_seconds)
            while self.position is not None and self.position < self._head:
                if not await self._read_on(self.position):
                    self._give_up()
        finally:
            self._filling = None

    def _give_up(self) -> None:
        """Send everybody away to recover; whoever comes next says anew where the stream stands."""
        _log.error("realtime_gap_not_filled", extra={"channel": self.channel, "position": self.position})
        self.position, self._head = None, 0
        self._held.clear()
        for subscription in self.subscriptions.values():
            subscription.connection.close(INSUFFICIENT_STATE)

    async def _read_on(self, position: int) -> bool:
        """Read what follows; whether the stream went on from there."""
        for attempt in range(_READS):
            try:
                missed = await self._streams.read(self.channel, position, self._settings.gap_publications)
            except Exception:  # noqa: BLE001 - whatever it is, the subscribers must not wait for ever
                _log.warning("realtime_gap_read_failed", extra={"channel": self.channel}, exc_info=True)
                await asyncio.sleep(0.1 * 2**attempt)
                continue
            self._found(self.channel, missed)
            for publication in missed:
                self.publish([(publication.offset, publication.data)])
            self._forget_delivered()
            return self.position != position
        return False

    def _forget_delivered(self) -> None:
        self._held = {offset: data for offset, data in self._held.items() if offset > (self.position or 0)}
