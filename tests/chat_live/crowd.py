"""Many published clients at once, each in one chat, behind lines that break."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from centrifuge import (
    Client,
    ClientEventHandler,
    DisconnectedContext,
    PublicationContext,
    SubscribedContext,
    SubscriptionEventHandler,
    UnsubscribedContext,
)

from tests.chat_live.witness import Witness
from tests.realtime.node_judge import Judge
from tests.realtime.scenarios import leave


class Seat(NamedTuple):
    """Where a client sits: its line, its token, its channel; and who sees what it sees."""

    url: str
    token: str
    channel: str
    witness: Witness


class _Listener(ClientEventHandler, SubscriptionEventHandler):  # type: ignore[misc]  # published without types
    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        if isinstance(ctx, SubscribedContext):
            position = ctx.stream_position
            assert position is not None
            self._witness.subscribed(position.offset, was_recovering=ctx.was_recovering, recovered=ctx.recovered)

    async def on_publication(self, ctx: PublicationContext) -> None:
        if isinstance(ctx, PublicationContext):
            self._witness.published(ctx.pub.offset, ctx.pub.data)

    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        self._witness.faults.append(f"unsubscribed: {ctx.code}")

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        self._witness.faults.append(f"disconnected: {ctx.code}")


@asynccontextmanager
async def python_crowd(seats: list[Seat]) -> AsyncIterator[None]:
    """Seat clients of ``centrifuge-python`` until the block ends."""
    clients = []
    for seat in seats:
        listener = _Listener(seat.witness)
        client = Client(seat.url, events=listener, token=seat.token, min_reconnect_delay=0.02, max_reconnect_delay=0.2)
        subscription = client.new_subscription(
            seat.channel, events=listener, min_resubscribe_delay=0.02, max_resubscribe_delay=0.2
        )
        await client.connect()
        await subscription.subscribe()
        clients.append(client)
    try:
        yield
    finally:
        await asyncio.gather(*(leave(client) for client in clients))


@asynccontextmanager
async def node_crowd(seats: list[Seat]) -> AsyncIterator[None]:
    """Seat clients of the npm package ``centrifuge``, all in one process, until the block ends."""
    async with Judge.running("crowd.mjs") as judge:
        clients = [{"url": seat.url, "token": seat.token, "channel": seat.channel} for seat in seats]
        await judge.order("join", clients=clients)
        listening = asyncio.create_task(_listen(judge, seats))
        try:
            yield
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening


async def _listen(judge: Judge, seats: list[Seat]) -> None:
    while True:
        report: dict[str, Any] = await judge.next()
        witness = seats[report["number"]].witness
        match report["event"]:
            case "subscribed":
                witness.subscribed(
                    report["offset"], was_recovering=report["wasRecovering"], recovered=report["recovered"]
                )
            case "publication":
                witness.published(report["offset"], report["data"])
            case _:
                witness.faults.append(f"ended: {report['code']}")
