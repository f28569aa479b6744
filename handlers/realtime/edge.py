"""The realtime interface as the rest of the house sees it."""

import asyncio
import logging
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from aiohttp import hdrs, web

from actors.errors import DomainError, Forbidden, InvalidRequest, Unavailable
from actors.runtime.clock import SystemClock
from actors.runtime.ids import uuid7
from actors.runtime.ports import Clock, Stored
from handlers import origin, problem
from handlers.ports import Identities, Performs, Permits, Streams
from handlers.realtime import origins, serving, tokens
from handlers.realtime.codes import INTERNAL_ERROR, SLOW, Close
from handlers.realtime.connection import Connection
from handlers.realtime.house import House
from handlers.realtime.hub import Hub
from handlers.realtime.registry import Registry
from handlers.realtime.settings import RealtimeSettings
from handlers.realtime.subscribing import ask_again
from handlers.realtime.upgrade import Upgraded, upgrade
from handlers.realtime.wheel import Wheel

_log = logging.getLogger(__name__)
_PROTOBUF = "centrifuge-protobuf"


class Statistics(NamedTuple):
    """Numbers for the metrics; the last two only grow."""

    connections: int
    subscriptions: int
    publications: int
    slow_disconnects: int


class Realtime:
    """Serves ``GET /connection/websocket`` and publishes committed events. Implements `actors.runtime.ports.Publisher`.

    ``hub.publish`` and ``hub.unsubscribe`` are for what is not a committed event, and for lost memberships;
    ``registry`` knows who is here.
    """

    def __init__(
        self,
        *,
        identities: Identities,
        streams: Streams,
        permits: Permits,
        performs: Performs,
        settings: RealtimeSettings | None = None,
        clock: Clock | None = None,
        version: str = "",
    ) -> None:
        self._settings = settings or RealtimeSettings()
        self._clock = clock or SystemClock()
        self._is_closing = False
        self._slow = 0
        self.hub = Hub(streams, self._settings)
        self.registry = Registry(self._settings)
        self._wheel = Wheel(self._clock, self._check)
        self._house = House(
            identities=identities,
            streams=streams,
            permits=permits,
            performs=performs,
            settings=self._settings,
            clock=self._clock,
            hub=self.hub,
            registry=self.registry,
            wheel=self._wheel,
            version=version,
        )
        self.hub.on_missed = self._ask_again
        self._asking: set[asyncio.Task[None]] = set()
        identities.on_revoked(self.registry.revoke)

    async def handler(self, request: web.Request) -> web.StreamResponse:
        """Turn a request into a connection, which lives on by itself until `close_all`.

        Answers a problem document to who may not have a socket.
        """
        try:
            self._admit(request)
            socket = upgrade(request, self._settings)
        except DomainError as error:
            return _refuse(request, error)
        now = self._clock.monotonic()
        connection = Connection(uuid7(), socket, self._settings, self.hub.flush_soon, now)
        self.registry.add(connection)
        self._wheel.watch(connection, now + self._settings.connect_seconds)
        connection.task = asyncio.get_running_loop().create_task(self._serve(connection))
        return Upgraded()

    def publish(self, events: Sequence[Stored]) -> None:
        """Pass committed events on: each recoverable channel is the stream of the same name."""
        for channel, run in groupby(self.hub.heard(events), attrgetter("stream")):
            self.hub.publish_all(channel, ((event.n, event.body) for event in run))

    def disconnect(self, user_id: str, session_id: str | None, code: int, reason: str) -> None:
        """Close the connections of a user, or of one of their sessions."""
        self.registry.disconnect(user_id, session_id, Close(code, reason))

    async def close_all(self, spread_seconds: float) -> None:
        """Take no more sockets and close the open ones with 3001, evenly over the given time."""
        self._is_closing = True
        await self.registry.close_all(spread_seconds)
        self._wheel.stop()

    def statistics(self) -> Statistics:
        """Return the numbers of this moment."""
        return Statistics(len(self.registry), self.hub.subscriptions, self.hub.publications, self._slow)

    def _admit(self, request: web.Request) -> None:
        if self._is_closing:
            raise Unavailable("the house is closing")
        if not origins.is_welcome(request, self._settings):
            raise Forbidden("this origin may not open sockets here")
        offered = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "")
        if _PROTOBUF in offered:
            raise InvalidRequest("the protobuf form of the protocol is not spoken here", "$.headers")

    def _ask_again(self, channel: str) -> None:
        task = asyncio.get_running_loop().create_task(ask_again(self._house, channel))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def _check(self, connection: Connection, now: float) -> None:
        tokens.check(self._house, connection, now)

    async def _serve(self, connection: Connection) -> None:
        try:
            await serving.serve(self._house, connection)
        except Exception:  # noqa: BLE001 - one connection ends, the house goes on
            _log.exception("realtime_connection_crashed", extra={"user_id": connection.user_id})
            connection.close(INTERNAL_ERROR)
        finally:
            for subscription in list(connection.subscriptions.values()):
                self.hub.detach(subscription)
            self.registry.remove(connection)
            self._slow += connection.closed_with is SLOW
            connection.leave()


def _refuse(request: web.Request, error: DomainError) -> web.Response:
    name = origin.request_id(request.headers.get("X-Request-ID"))
    return web.Response(
        status=problem.status_of(error),
        body=problem.document(error, name),
        content_type=problem.TYPE,
        headers=problem.headers(error),
    )
