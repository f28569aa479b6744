"""From a request to a socket: the WebSocket handshake (RFC 6455, section 4.2), and aiohttp's way out of it."""

import asyncio
import base64
import binascii
import hashlib

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter

from actors.errors import InvalidRequest
from handlers.realtime.settings import RealtimeSettings
from handlers.realtime.socket import Socket

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Upgraded(web.StreamResponse):
    """The answer to a request whose connection is no longer HTTP: nothing more is written for it."""

    def __init__(self) -> None:
        super().__init__(status=101)

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:  # noqa: ARG002 - by contract
        """Write nothing."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Write nothing."""


class _Passage:
    """Passes on what the HTTP server has read behind the request."""

    def __init__(self, socket: Socket) -> None:
        self.feed_data = socket.data_received

    def feed_eof(self) -> None:
        """The end of the HTTP server's part is not the end of the socket."""


def upgrade(request: web.Request, settings: RealtimeSettings) -> Socket:
    """Shake hands and take the connection over from the HTTP server. Raises `InvalidRequest`, `ConnectionError`.

    The request, its task and all else that the HTTP server keeps for it is freed once the handler has returned
    `Upgraded`: an idle socket costs less than half of what it costs inside a running request.
    """
    accept = _accept(request)
    transport, protocol = request.transport, request.protocol
    if transport is None:
        raise ConnectionResetError("gone before the handshake")
    socket = Socket(asyncio.get_running_loop(), transport, settings)
    transport.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
    )
    protocol.set_parser(_Passage(socket))  # type: ignore[arg-type]  # it asks for no more than the two methods
    transport.set_protocol(socket)
    protocol.transport = None  # not to be closed by
    protocol.connection_lost(None)  # which frees what the HTTP server keeps
    return socket


def _accept(request: web.Request) -> bytes:
    """Return what proves that we speak WebSocket. Raises `InvalidRequest` for any other request."""
    headers = request.headers
    connection = headers.get(hdrs.CONNECTION, "").lower()
    if headers.get(hdrs.UPGRADE, "").lower() != "websocket" or "upgrade" not in connection:
        raise InvalidRequest("only WebSocket is spoken here", "$.headers")
    if headers.get(hdrs.SEC_WEBSOCKET_VERSION) != "13":
        raise InvalidRequest("only version 13 of WebSocket is spoken here", "$.headers")
    key = headers.get(hdrs.SEC_WEBSOCKET_KEY, "").encode()
    try:
        is_key = len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        is_key = False
    if not is_key:
        raise InvalidRequest("not a Sec-WebSocket-Key", "$.headers")
    return base64.b64encode(hashlib.sha1(key + _GUID).digest())  # noqa: S324 - as the protocol has it
