"""What has to be looked after although nobody asks: clocks, lost entries, answers that will not come."""

import asyncio
import logging
from collections.abc import Callable

from actors.runtime.streams.owned import Owned
from actors.runtime.streams.parts import Parts

log = logging.getLogger(__name__)
TICK_SECONDS = 0.25
LOOK_SECONDS = 2.0
AWAY_SECONDS = 0.5  # after which answers that are under way are given up
GATE_SECONDS = 2.0  # after which a gate that was not read is taken for lost
CROWDED = 10_000  # entries that may lie in one stream


class Tending:
    """Looks four times a second at what this house has, and every two seconds at the streams."""

    def __init__(self, parts: Parts, send_gate: Callable[[Owned], None]) -> None:
        self._parts = parts
        self._send_gate = send_gate
        self._read_before: dict[str, tuple[Owned, bytes]] = {}  # of streams with more in them than was read: how far

    async def run(self) -> None:
        """Tend until cancelled."""
        loop, look_at = asyncio.get_running_loop(), 0.0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            parts, now = self._parts, loop.time()
            parts.post.flush()
            parts.asked.sweep(now)
            if parts.post.is_down:
                if now >= parts.post.down_since + AWAY_SECONDS:
                    parts.asked.give_up()
            elif now >= look_at:
                look_at = now + LOOK_SECONDS
                await self._look(now)

    async def _look(self, now: float) -> None:
        for mine in self._parts.owned:
            if mine is not None and not (mine.is_open or mine.is_closing) and now > mine.gate_sent_at + GATE_SECONDS:
                self._send_gate(mine)
        try:
            await self._parts.clock.measure(self._parts.mail)
            await self._measure()
        except OSError:
            return  # whoever sends will notice

    async def _measure(self) -> None:
        """See how much lies in the streams. Where there is more than was read, and nothing is read, begin anew.

        That is so after the streams were emptied and their clock went back: new entries then lie before the old ones.
        """
        parts, lag = self._parts, 0
        mine = {one.stream: one for one in parts.owned if one is not None and not one.is_closing}
        streams = [*mine, *(stream for stream in parts.crowded if stream not in mine)]
        lengths = dict(zip(streams, await parts.mail.lengths(streams), strict=True)) if streams else {}
        parts.crowded = {stream: length for stream, length in lengths.items() if length > CROWDED}
        before, self._read_before = self._read_before, {}
        for stream, one in mine.items():
            unread = lengths[stream] - len(one.hand)
            if unread > 0 and parts.of(stream) is one:
                lag += unread
                self._read_before[stream] = one, one.last
                if before.get(stream) == (one, one.last):
                    log.warning("stream_read_again", extra={"stream": stream, "unread": unread})
                    one.last = b"0"
        parts.lag = lag
