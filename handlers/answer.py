"""A small answer, sent as one piece."""

from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http_writer import _serialize_headers
from multidict import CIMultiDict

_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}


class Answer(web.StreamResponse):
    """Head and body in a single write, where the request is of the usual kind: HTTP/1.1, kept alive, not HEAD.

    aiohttp makes and prepares every response for all that it might become (cookies, chunks, compression, signals);
    none of that comes here, and leaving it out makes a GET a quarter quicker. Any other request gets a `web.Response`.
    """

    _instead: web.Response | None = None

    def __init__(self, status: int, body: bytes, headers: CIMultiDict[str]) -> None:
        # Not aiohttp's own: what it sets up is never looked at.
        self._status = status
        self._whole = body
        self._headers = headers

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection stays open."""
        return self._keep_alive is not False if self._instead is None else self._instead.keep_alive

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it. Raises ``ConnectionError`` when the client has gone."""
        transport = request.transport
        if transport is None or not request.keep_alive or request.version != HttpVersion11 or request.method == "HEAD":
            self._instead = web.Response(status=self._status, body=self._whole, headers=self._headers)
            return await self._instead.prepare(request)
        if transport.is_closing():
            raise ConnectionResetError("the client has gone")
        headers = self._headers
        headers["Content-Length"] = str(len(self._whole))
        headers["Date"] = rfc822_formatted_time()
        transport.write(_serialize_headers(_LINES[self._status], headers) + self._whole)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Send what `prepare` has not."""
        if self._instead is not None:
            await self._instead.write_eof(data)
