"""How aiohttp's server is run: its time limits, and problem documents for what is not even HTTP."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, cast

from aiohttp import web

from actors.errors import DomainError, Internal, InvalidRequest
from actors.runtime.envelope import CURRENT
from handlers.cors import Cors
from handlers.edge import refuse, reply_headers
from handlers.introduction import Introduction
from handlers.origin import Addresses, request_id

KEEPALIVE_SECONDS = 15.0
"""For idle connections and for heads that drip (aiohttp's own default is 75 s or an hour, as it is run)."""

_LINGER_SECONDS = 2.0  # how long the rest of a refused body is read and thrown away
_NO_CORS = Cors(())


class Runner(web.AppRunner):
    """An `AppRunner` with the house's limits. Keyword arguments override them."""

    def __init__(
        self,
        app: web.Application,
        *,
        max_connections: int = 12_000,
        trusted_proxies: Iterable[str] = (),
        **options: Any,
    ) -> None:
        """``max_connections``: open ones, sockets included; whoever comes beyond them is cut off at once.

        ``trusted_proxies``: addresses or networks of balancers that may introduce their clients (`Introduction`).
        """
        self._max_connections = max_connections
        self._proxies = Addresses(trusted_proxies)
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
        setattr(server, "proxies", self._proxies)  # noqa: B010 - another one
        return server


class _Server(web.Server):
    max_connections: int
    proxies: Addresses

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Cut off who comes when the house is full (aiohttp has no bound); let proxies introduce their clients."""
        super().connection_made(handler, transport)
        if len(self._connections) > self.max_connections:
            transport.abort()
        elif self.proxies.trust(transport.get_extra_info("peername")):
            cast("_Protocol", handler).wait_for_introduction(transport)

    def __call__(self) -> web.RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)


class _InPlace:
    """The loop as `RequestHandler.start` sees it: a request runs in the task of its connection, not in one of its own.

    A task for each request and two more rounds of the loop cost a GET 4 of 50 microseconds. From Python 3.12 on
    aiohttp starts that task eagerly, and all of this can go.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.time = loop.time
        self.call_at = loop.call_at
        self.create_future = loop.create_future

    def create_task(self, request: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
        """What awaits the task awaits the request itself."""
        return request

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


class _Protocol(web.RequestHandler):
    on_lost: Callable[[], object] | None = None

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell who waits for this client that it has gone."""
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()

    async def start(self) -> None:
        """Serve one request of the connection after the other."""
        if sys.version_info < (3, 12):
            self._loop = cast("asyncio.AbstractEventLoop", _InPlace(self._loop))
        await super().start()

    def wait_for_introduction(self, transport: asyncio.Transport) -> None:
        """Let the proxy at the other end say first whose connection this is."""

        def introduced(client: tuple[str, int]) -> None:
            self._cache["peername"] = client  # where `request.remote` looks

        Introduction(self, introduced).stand_before(transport)

    def _handle_request(self, *args: Any) -> Any:
        CURRENT.set(None)  # requests of a connection share its context: the last one may have been traced
        return super()._handle_request(*args)

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
