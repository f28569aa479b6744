"""A house that serves only the realtime interface, over real sockets."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import pytest
from aiohttp import web

from actors.runtime.ports import Stored
from app.wires import Link, linked
from handlers.realtime import Realtime, RealtimeSettings
from tests.realtime.scenarios import until
from tests.realtime.wire import Wire
from tests.realtime.world import ALICE, BOB, CHAT, TASK, EventList, Members, Operations, Tokens
from tests.redis_server import RedisServer


@dataclass
class RealtimeHouse:
    """What the tests hold on to."""

    url: str
    realtime: Realtime
    tokens: Tokens
    events: EventList
    members: Members
    operations: Operations

    def publish(self, channel: str, **data: Any) -> int:
        """Commit an event and publish it; return its offset."""
        body = msgspec.json.encode({"type": "task.progressed", **data})
        stored = self.events.append(channel, body)
        self.realtime.publish([Stored(channel, stored.offset, "task.progressed", body, datetime.now(UTC))])
        return stored.offset

    def commit(self, channel: str, **data: Any) -> tuple[int, bytes]:
        """Commit an event without telling the hub."""
        stored = self.events.append(channel, msgspec.json.encode({"type": "task.progressed", **data}))
        return stored.offset, stored.data

    async def wire(self, user_id: str = ALICE, **connect: Any) -> Wire:
        """Open a raw socket and connect as a user."""
        wire = await Wire.open(self.url)
        wire.hello = await wire.ask(connect={"token": self.tokens.issue(user_id), **connect})
        return wire


StartHouse = Callable[..., Awaitable[RealtimeHouse]]


@pytest.fixture
async def start_house() -> AsyncIterator[StartHouse]:
    """Start houses with settings of the test's own; all are closed at the end."""
    runners: list[web.AppRunner] = []

    async def start(events: EventList | None = None, members: Members | None = None, **settings: Any) -> RealtimeHouse:
        tokens, operations = Tokens(), Operations()
        events, members = events or EventList(), members or Members()
        realtime = Realtime(
            identities=tokens,
            streams=events,
            permits=members,
            performs=operations,
            settings=RealtimeSettings(**settings),
            version="test",
        )
        members.allowed = {(ALICE, f"task:{TASK}"), (ALICE, f"chat:{CHAT}"), (BOB, f"chat:{CHAT}")}
        app = web.Application()
        app.router.add_get("/connection/websocket", realtime.handler)

        async def close_all(_app: web.Application) -> None:
            await realtime.close_all(0)

        app.on_shutdown.append(close_all)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        url = f"ws://127.0.0.1:{port}/connection/websocket"
        return RealtimeHouse(url, realtime, tokens, events, members, operations)

    yield start
    while Wire.opened:
        await Wire.opened.pop().close()
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def house(start_house: StartHouse) -> RealtimeHouse:
    """A house with ordinary limits."""
    return await start_house()


class Pair(NamedTuple):
    """Two houses that know each other, over the same events."""

    first: RealtimeHouse
    second: RealtimeHouse
    links: tuple[Link, Link]

    async def settle(self) -> None:
        """Wait until both hear everything."""
        await until(lambda: all(link.pubsub.is_hearing and link.line.is_up for link in self.links))


@pytest.fixture
async def pair(start_house: StartHouse, own_redis: RedisServer) -> AsyncIterator[Pair]:
    """Two houses."""
    async with AsyncExitStack() as stack:
        first = await start_house()
        second = await start_house(events=first.events, members=first.members)
        links = [
            await stack.enter_async_context(linked(house.realtime.hub, own_redis.url, number))
            for number, house in ((1, first), (2, second))
        ]
        pair = Pair(first, second, (links[0], links[1]))
        await pair.settle()
        yield pair
