"""One WebSocket: read frames, write one now or know that it would wait, close. Parsing is aiohttp's."""

import asyncio
from contextlib import suppress

from aiohttp import EofStream, WebSocketError, WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue  # where the public reader puts what it has read
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import WebSocketReader

from handlers.realtime.codes import BAD_REQUEST, TOO_BIG, Close, Ended
from handlers.realtime.settings import RealtimeSettings

_QUEUE_BYTES = 65_536
_CODES = {1009: TOO_BIG}
_GOODBYE = Close(1000, "")


class Socket(BaseProtocol):
    """No compression: it costs memory per connection, and invites bombs."""

    __slots__ = ("_close_seconds", "_cut", "_gone", "_queue", "_reader")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, settings: RealtimeSettings
    ) -> None:
        super().__init__(loop)
        self.transport = transport
        self._upgraded = True  # so that flow control is the transport's alone
        self._queue = WebSocketDataQueue(self, _QUEUE_BYTES, loop=loop)
        self._reader = WebSocketReader(self._queue, settings.frame_bytes + 1, compress=False, decode_text=False)
        self._close_seconds = settings.close_seconds
        self._cut: asyncio.TimerHandle | None = None
        self._gone: asyncio.Future[None] | None = None

    def data_received(self, data: bytes) -> None:
        """Parse what the peer sent."""
        self._reader.feed_data(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wake up whoever waits for the peer."""
        super().connection_lost(exc)
        self._queue.feed_eof()
        if self._cut is not None:
            self._cut.cancel()
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    async def receive(self) -> bytes | None:
        """Return the next text frame; None once the socket is at its end.

        Raises `Ended` for what is no text frame, too big or no WebSocket at all. After `close` what still comes in
        is thrown away, up to the peer's own close frame: else the peer might never see ours.
        """
        while True:
            try:
                message = await self._queue.read()
            except EofStream:
                return None
            except WebSocketError as error:
                if self._cut is None:
                    raise Ended(_CODES.get(error.code, Close(error.code, "not WebSocket"))) from error
                await self._wait_for_the_end()
                return None
            if message.type is WSMsgType.CLOSE:
                self.close(_GOODBYE)
                if self.transport is not None:
                    self.transport.close()
                await self._wait_for_the_end()
                return None
            if message.type is WSMsgType.PING:
                self._write(0x8A, message.data)
            elif message.type is not WSMsgType.PONG and self._cut is None:
                if message.type is not WSMsgType.TEXT:
                    raise Ended(BAD_REQUEST)
                return bytes(message.data)

    @property
    def is_full(self) -> bool:
        """Whether the peer is behind: what is written now would only lie in memory."""
        return self._paused

    def write(self, frame: bytes) -> None:
        """Write one text frame at once; nothing happens on a socket that is gone or closed."""
        if self._cut is None:
            self._write(0x81, frame)

    async def drained(self) -> None:
        """Wait until the peer has caught up, or is gone."""
        with suppress(ConnectionError):
            await self._drain_helper()

    def close(self, why: Close) -> None:
        """Send a close frame, once. A peer that does not answer it in time is cut off, whatever is unsent."""
        if self._cut is None and self.transport is not None:
            self._write(0x88, why.code.to_bytes(2, "big") + why.reason.encode())
            self._cut = self._loop.call_later(self._close_seconds, self.transport.abort)

    async def _wait_for_the_end(self) -> None:
        if self.transport is not None:
            self._gone = self._loop.create_future()
            await self._gone

    def _write(self, head: int, payload: bytes) -> None:
        if self.transport is not None:
            size = len(payload)
            if size < 126:
                self.transport.write(b"%c%c%b" % (head, size, payload))
            elif size < 65_536:
                self.transport.write(b"%c\x7e%b%b" % (head, size.to_bytes(2, "big"), payload))
            else:
                self.transport.write(b"%c\x7f%b%b" % (head, size.to_bytes(8, "big"), payload))
