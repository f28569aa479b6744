"""What goes between houses beside mail, put together: publications, presence, and who else hears of what."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from app.neighbours import Neighbourhood
from handlers.realtime.hub import Hub
from storage.redis.line import Line
from storage.redis.presence import Presence
from storage.redis.pubsub import PubSub


class Link(NamedTuple):
    """A house's connections to Redis, and what speaks through them."""

    line: Line
    pubsub: PubSub
    presence: Presence
    neighbours: Neighbourhood


@asynccontextmanager
async def linked(hub: Hub, url: str, incarnation: int) -> AsyncIterator[Link]:
    """Let a hub know its neighbours. Redis need not be there yet."""
    line = Line(url)
    pubsub, presence = PubSub(url, line), Presence(line, incarnation)
    hub.neighbours = neighbours = Neighbourhood(hub, pubsub, presence, incarnation)
    work = [line.run(), pubsub.run(), presence.run(), neighbours.run()]
    tasks = [asyncio.create_task(part, name="wires") for part in work]
    try:
        yield Link(line, pubsub, presence, neighbours)
    finally:
        hub.neighbours = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
