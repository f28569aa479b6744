"""The clock of the server that holds the streams, and whether that server can be reached."""

import asyncio

from actors.runtime.ports import Mail


class SharedClock:
    """As this house reckons it. Whoever wants to know whether the streams are there measures it."""

    def __init__(self) -> None:
        self._offset_ms = 0.0
        self._round_trip_ms = float("inf")
        self.heard_at = 0.0
        """When the last question was asked that was answered, on the loop's clock."""
        self.failed_at: float | None = None
        """When the last one was asked, if it was in vain."""

    def now_ms(self) -> float:
        """Its time now."""
        return asyncio.get_running_loop().time() * 1000 + self._offset_ms

    async def measure(self, mail: Mail) -> None:
        """Ask for it. Raises as `Mail.now_ms` does."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        try:
            now_ms = await mail.now_ms()
        except OSError:
            self.failed_at = asked_at
            raise
        self.heard_at, self.failed_at = asked_at, None
        sent_ms, took_ms = asked_at * 1000, (loop.time() - asked_at) * 1000
        if took_ms <= self._round_trip_ms:  # the quickest recent round trip knows best; clocks drift
            self._round_trip_ms, self._offset_ms = took_ms, now_ms - sent_ms - took_ms / 2
        self._round_trip_ms *= 1.5
