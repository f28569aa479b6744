"""How aiohttp's server is run: its time limits, and problem documents for what is not even HTTP."""

import asyncio
from typing import Any

from aiohttp import web

from actors.errors import DomainError, Internal, InvalidRequest
from handlers.cors import Cors
from handlers.edge import refuse, reply_headers
from handlers.origin import request_id

KEEPALIVE_SECONDS = 15.0
"""For idle connections and for heads that drip (aiohttp's own default is 75 s or an hour, as it is run)."""

_LINGER_SECONDS = 2.0  # how long the rest of a refused body is read and thrown away
_NO_CORS = Cors(())


class Runner(web.AppRunner):
    """An `AppRunner` with the house's limits. Keyword arguments override them."""

    def __init__(self, app: web.Application, *, max_connections: int = 12_000, **options: Any) -> None:
        """``max_connections``: open ones, sockets included; whoever comes beyond them is cut off at once."""
        self._max_connections = max_connections
        limits: dict[str, Any] = {
            "keepalive_timeout": KEEPALIVE_SECONDS,
            "lingering_time": _LINGER_SECONDS,
            "access_log": None,  # the edge's observers log
        }
        super().__init__(app, **(limits | options))

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.__class__ = _Server
        setattr(server, "max_connections", self._max_connections)  # noqa: B010 - a new attribute of its new class
        return server


class _Server(web.Server):
    max_connections: int

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Cut off who comes when the house is full: aiohttp itself has no bound."""
        super().connection_made(handler, transport)
        if len(self._connections) > self.max_connections:
            transport.abort()

    def __call__(self) -> web.RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)


class _Protocol(web.RequestHandler):
    def log_exception(self, *args: Any, **options: Any) -> None:
        """Log a fault of ours; that the rest of a refused body is broken too is none, and anybody could cause it."""
        if not isinstance(options.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **options)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what the parser refused; the connection is closed after it, since nothing that follows can be read."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        error: DomainError
        if status < 500:
            error = InvalidRequest((message or "this is not HTTP").partition(":")[0])
        else:
            self.log_exception("request_crashed", exc_info=exc)
            error = Internal("something went wrong here; the log has the rest")
        name = request_id(request.headers.get("X-Request-ID"))
        response = refuse(error, reply_headers(request, name, _NO_CORS), name, status)
        response.force_close()
        return response
