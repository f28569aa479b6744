"""What a Centrifuge client must be able to do, for any house: by its URL, tokens and a way to publish."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
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
"""Publishes one event with ``data.number`` in the channel of the scenario."""

Act = Callable[[], Awaitable[None]]
"""Lets the house do something to the client."""


@dataclass
class Seen(ClientEventHandler, SubscriptionEventHandler):
    """Everything a client was told, in order."""

    numbers: list[int] = field(default_factory=list)
    own: list[Any] = field(default_factory=list)
    recovered: list[bool] = field(default_factory=list)
    disconnects: list[int] = field(default_factory=list)
    errors: list[Any] = field(default_factory=list)
    connects: int = 0

    async def on_connected(self, ctx: ConnectedContext) -> None:
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
            self.numbers.append(ctx.pub.data["number"])


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def recovers_every_publication(url: str, token: str, channel: str, publish: Publish, count: int = 300) -> Seen:
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
        await until(lambda: len(seen.numbers) >= count)
        await asyncio.sleep(0.1)
        await client.disconnect()
    assert seen.numbers == list(range(count))
    assert seen.connects == 3
    assert seen.recovered == [True, True]
    return seen
