"""One WebSocket, reduced to what the house needs of it: write now or know that it would wait, read, close."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import WSMsgType, web
from aiohttp.abc import AbstractStreamWriter

from handlers.realtime.codes import BAD_REQUEST, TOO_BIG, Close, Ended
from handlers.realtime.settings import RealtimeSettings

_NEVER_WAIT = 2**62
_SLACK = 4


class Socket:
    """No compression: it costs memory per connection, and invites bombs."""

    __slots__ = ("_frame_bytes", "_request", "_response", "_writer")

    def __init__(self, request: web.Request, settings: RealtimeSettings) -> None:
        self._request = request
        self._frame_bytes = settings.frame_bytes
        self._response = web.WebSocketResponse(
            timeout=settings.close_seconds,
            compress=False,
            decode_text=False,
            # A frame somewhat over the limit is read to its end, so that the client sees why it is sent away.
            max_msg_size=settings.frame_bytes * _SLACK,
            writer_limit=_NEVER_WAIT,  # waiting is `drained`'s part; so `write` never does
        )
        self._writer: AbstractStreamWriter | None = None

    async def open(self) -> web.WebSocketResponse:
        """Shake hands. Raises `aiohttp.web.HTTPBadRequest` for what is no WebSocket request."""
        self._writer = await self._response.prepare(self._request)
        return self._response

    async def frames(self) -> AsyncIterator[bytes]:
        """Yield text frames until the socket is closed. Raises `Ended` for any other frame, and for one too big."""
        async for message in self._response:
            if message.type is not WSMsgType.TEXT:
                raise Ended(BAD_REQUEST)
            if len(message.data) > self._frame_bytes:
                raise Ended(TOO_BIG)
            yield message.data

    @property
    def is_full(self) -> bool:
        """Whether the peer is behind: what is written now would only lie in memory."""
        return self._request.protocol.writing_paused

    def write(self, frame: bytes) -> None:
        """Write one text frame at once; nothing happens on a socket that is gone."""
        sending = self._response.send_frame(frame, WSMsgType.TEXT)
        with suppress(StopIteration, ConnectionError):
            sending.send(None)

    async def drained(self) -> None:
        """Wait until the peer has caught up, or is gone."""
        if self._writer is not None:
            with suppress(ConnectionError):
                await self._writer.drain()

    async def close(self, why: Close) -> None:
        """Send a close frame and wait a bounded time for the peer's; then the socket is cut, read or not."""
        transport = self._request.transport
        with suppress(ConnectionError, asyncio.TimeoutError):
            await self._response.close(code=why.code, message=why.reason.encode(), drain=False)
        if transport is not None:
            if transport.get_write_buffer_size():
                transport.abort()
            transport.close()
