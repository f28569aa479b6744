"""What a Centrifuge client must be able to do, for any house: by its URL, tokens and a way to publish."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from centrifuge import (
    Client,
    ClientEventHandler,
    ConnectedContext,
    DisconnectedContext,
    ErrorContext,
    PublicationContext,
    ServerPublicationContext,
    ServerSubscribedContext,
    SubscribedContext,
    SubscriptionEventHandler,
)

from tests.realtime.proxy import Proxy

Publish = Callable[[int], Awaitable[None]]
"""Publishes one event that carries a number in the channel of the scenario."""

Number = Callable[[Any], int]
"""Finds the number in a publication's data; without it, it is ``data.number``."""

Act = Callable[[], Awaitable[None]]
"""Lets the house do something to the client."""


@dataclass
class Seen(ClientEventHandler, SubscriptionEventHandler):  # type: ignore[misc]  # published without types
    """Everything a client was told, in order."""

    events: list[Any] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    own: list[Any] = field(default_factory=list)
    recovered: list[bool] = field(default_factory=list)
    disconnects: list[int] = field(default_factory=list)
    errors: list[Any] = field(default_factory=list)
    connects: int = 0
    tokens_asked: int = 0

    async def on_connected(self, ctx: ConnectedContext) -> None:  # noqa: ARG002 - by contract
        self.connects += 1

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        self.disconnects.append(ctx.code)

    async def on_error(self, ctx: ErrorContext) -> None:
        self.errors.append(ctx.error)

    async def on_subscribed(self, ctx: SubscribedContext | ServerSubscribedContext) -> None:
        if ctx.was_recovering and isinstance(ctx, SubscribedContext):
            self.recovered.append(ctx.recovered)

    async def on_publication(self, ctx: PublicationContext | ServerPublicationContext) -> None:
        if isinstance(ctx, ServerPublicationContext):
            self.own.append(ctx.pub.data)
        else:
            self.events.append(ctx.pub.data)
            self.offsets.append(ctx.pub.offset)


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def leave(client: Client) -> None:
    """Disconnect and wait for the end of the socket, which the client closes in a task that it does not await."""
    await client.disconnect()
    await until(lambda: not client._background_tasks)


async def recovers_every_publication(
    url: str, token: str, channel: str, publish: Publish, count: int = 300, number_of: Number = itemgetter("number")
) -> Seen:
    """Lose the TCP connection twice in the middle of a stream: every publication arrives once, in order."""
    async with Proxy.to(url) as proxy:
        seen = Seen()
        client = Client(proxy.url, events=seen, token=token, min_reconnect_delay=0.02, max_reconnect_delay=0.1)
        await client.connect()
        await client.new_subscription(channel, events=seen).subscribe()
        await until(lambda: client.get_subscription(channel).state.value == "subscribed")
        for number in range(count):
            await publish(number)
            if number in {count // 3, count * 2 // 3}:
                proxy.cut()
            await asyncio.sleep(0.001)
        await until(lambda: len(seen.events) >= count)
        await asyncio.sleep(0.1)
        await leave(client)
    assert [number_of(event) for event in seen.events] == list(range(count))
    assert seen.connects == 3
    assert seen.recovered == [True, True]
    return seen


@asynccontextmanager
async def connected(url: str, token: str, *fresh: str) -> AsyncIterator[tuple[Client, Seen]]:
    """Connect a client until the block ends; ``fresh`` is what it gets when it asks for further tokens."""
    seen, further = Seen(), list(fresh)

    async def get_token() -> str:
        seen.tokens_asked += 1
        return further.pop(0) if len(further) > 1 else further[0]

    client = Client(url, events=seen, token=token, get_token=get_token if fresh else None, min_reconnect_delay=0.02)
    await client.connect()
    await until(lambda: bool(seen.connects or seen.disconnects))
    try:
        yield client, seen
    finally:
        await leave(client)


async def calls(url: str, token: str, method: str, data: Any) -> Any:
    """Call an operation once. Raises `centrifuge.ReplyError`."""
    async with connected(url, token) as (client, _):
        return (await client.rpc(method, data)).data


async def is_refused(url: str, token: str, code: int) -> None:
    """Connect with a bad token: the client is told not to come back."""
    async with connected(url, token) as (_, seen):
        assert (seen.connects, seen.disconnects) == (0, [code])


async def fetches_a_token(url: str, expired: str, fresh: str) -> None:
    """Connect with an expired token: the client asks for another one and gets in."""
    async with connected(url, expired, fresh) as (_, seen):
        assert (seen.connects, seen.tokens_asked) == (1, 1)


async def outlives_its_token(url: str, short: str, fresh: str, seconds: float) -> None:
    """Connect with a token that ends soon: the client refreshes it and is not disconnected."""
    async with connected(url, short, fresh) as (client, seen):
        await until(lambda: bool(seen.tokens_asked))
        await asyncio.sleep(seconds)
        assert client.state.value == "connected"
        assert (seen.connects, seen.tokens_asked) == (1, 1)


async def is_ended_by(url: str, token: str, act: Act, code: int) -> None:
    """Connect, let the house act (revoke, disconnect): the client is closed at once and stays away."""
    async with connected(url, token) as (_, seen):
        await act()
        await until(lambda: seen.disconnects == [code], 2)
