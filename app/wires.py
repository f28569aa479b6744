"""What goes between houses beside mail, put together: publications, presence, ends of tokens, and who hears of them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from actors.runtime.ports import Clock
from app.audience import Audience
from app.bells import Bells
from app.beside import running
from app.courier_channels import CourierChannels
from app.desk_channels import DeskChannels
from app.edges import Edges
from app.endings import Endings
from app.kinds import Kinds
from app.neighbours import Neighbourhood
from app.publishing import Publishing
from app.rates import SharedLimits
from handlers.realtime.hub import Hub
from storage.following import Following
from storage.house import House
from storage.redis.line import Line
from storage.redis.presence import Presence
from storage.redis.pubsub import PubSub
from storage.redis.rates import Rates


class Link(NamedTuple):
    """A house's connections to Redis, and what speaks through them."""

    line: Line
    pubsub: PubSub
    presence: Presence
    neighbours: Neighbourhood


class Ends(NamedTuple):
    """What of a house hears, and is heard."""

    clock: Clock
    kinds: Kinds
    edges: Edges
    audience: Audience
    publishing: Publishing
    desk: DeskChannels
    territories: CourierChannels


class Wires(NamedTuple):
    """What connects a house with the others."""

    link: Link
    endings: Endings
    following: Following


async def connect_house(url: str, dsn: str, row: House, ends: Ends, stack: AsyncExitStack) -> Wires:
    """Let a house hear the others, and be heard by them; until the stack unwinds. Redis need not be there yet.

    Raises `DatabaseUnavailable`.
    """
    link = await stack.enter_async_context(linked(ends.edges.realtime.hub, url, row.incarnation))
    ends.audience.neighbours = ends.kinds.presence.elsewhere = link.neighbours.users
    identities = ends.kinds.accounts.identities
    listeners = [identities.publish, ends.desk.publish, ends.territories.publish]
    endings = Endings(identities, ends.clock, listeners, link.pubsub, row.incarnation)
    following = Following(dsn, row.application_name, row.id, endings.read, endings.heard)
    await following.start()
    endings.follow(following)
    ends.publishing.add(endings.publish)
    rates = ends.kinds.accounts.guard.shared = Rates(link.line)
    limits, bells = SharedLimits(ends.edges.limits, rates), Bells(ends.kinds.bell, link.pubsub, row.incarnation)
    await stack.enter_async_context(running(following.run(), limits.run(), bells.run()))
    return Wires(link, endings, following)


@asynccontextmanager
async def linked(hub: Hub, url: str, incarnation: int) -> AsyncIterator[Link]:
    """Let a hub know its neighbours. Redis need not be there yet."""
    line = Line(url)
    pubsub, presence = PubSub(url, line), Presence(line, incarnation)
    hub.neighbours = neighbours = Neighbourhood(hub, pubsub, presence, incarnation)
    async with running(line.run(), pubsub.run(), presence.run(), neighbours.run()):
        try:
            yield Link(line, pubsub, presence, neighbours)
        finally:
            hub.neighbours = None
            await presence.end()
