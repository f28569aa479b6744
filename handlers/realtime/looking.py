"""``presence``, ``presence_stats`` and ``history``: what members may see of a channel."""

from typing import Any

from handlers.ports import ClientInfo
from handlers.realtime import channels, recovery, replies
from handlers.realtime.codes import NOT_AVAILABLE, UNRECOVERABLE_POSITION, Refused
from handlers.realtime.commands import History, InChannel
from handlers.realtime.connection import Connection
from handlers.realtime.house import House
from handlers.realtime.replies import HistoryResult
from handlers.realtime.subscribing import allow


async def presence(house: House, connection: Connection, request: InChannel) -> dict[str, Any]:
    """Say who is in a channel. Raises `Refused` 102, 103."""
    await _member(house, connection, request.channel)
    return {"presence": {info.client: info for info in await _present(house, request.channel)}}


async def presence_stats(house: House, connection: Connection, request: InChannel) -> dict[str, int]:
    """Say how many are in a channel. Raises `Refused` 102, 103."""
    await _member(house, connection, request.channel)
    present = await _present(house, request.channel)
    return {"num_clients": len(present), "num_users": len({info.user for info in present})}


async def history(house: House, connection: Connection, request: History) -> HistoryResult:
    """Show a part of a stream, one page at most. Raises `Refused` 102, 103, 108, 112."""
    await _member(house, connection, request.channel)
    if not channels.is_recoverable(request.channel):
        raise Refused(NOT_AVAILABLE, "no history")
    head = await house.streams.position(request.channel)
    if request.since and request.since.epoch not in {"", head.epoch}:
        raise Refused(UNRECOVERABLE_POSITION, "unrecoverable position")
    page = await _page(house, request)
    await _member(house, connection, request.channel)  # still: what was read may be younger than the first answer
    return HistoryResult(publications=page, epoch=head.epoch, offset=head.offset)


async def _present(house: House, channel: str) -> list[ClientInfo]:
    """Who is there, in this house and in all others."""
    neighbours = house.hub.neighbours
    elsewhere = [] if neighbours is None else await neighbours.present(channel)
    return [*house.hub.present(channel), *elsewhere]


async def _page(house: House, request: History) -> list[replies.Past]:
    largest = house.settings.recovery_publications
    limit = min(request.limit, largest) if request.limit >= 0 else largest
    if not limit:
        return []
    after = request.since.offset if request.since else 0
    found = await house.streams.read(request.channel, after, limit, reverse=request.reverse)
    return [replies.past(publication) for publication in recovery.within(found, house.settings.recovery_bytes)]


async def _member(house: House, connection: Connection, channel: str) -> None:
    channels.kind(channel)
    if channel not in connection.subscriptions:
        await allow(house, connection, channel)
