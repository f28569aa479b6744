"""``subscribe`` and ``unsubscribe``: gapless from where the client stands, or said so."""

import asyncio
import logging

from actors.errors import DomainError, Forbidden, NotFound
from handlers.ports import Position
from handlers.realtime import channels, recovery, replies
from handlers.realtime.codes import (
    ALREADY_SUBSCRIBED,
    INTERNAL,
    LIMIT_EXCEEDED,
    PERMISSION_DENIED,
    UNRECOVERABLE_POSITION,
    Refused,
)
from handlers.realtime.commands import Subscribe
from handlers.realtime.connection import Connection
from handlers.realtime.house import House
from handlers.realtime.replies import SubscribeResult
from handlers.realtime.subscription import Subscription

_REJECT_UNRECOVERED = 2
_log = logging.getLogger(__name__)


async def subscribe(house: House, connection: Connection, request: Subscribe) -> tuple[SubscribeResult, Subscription]:
    """Subscribe as a client asks. Raises `Refused` 102, 103, 105, 106, 112; then nothing has changed.

    The subscription is attached but not live: the caller sends the reply first.
    """
    channels.kind(request.channel)
    if request.channel in connection.subscriptions:
        raise Refused(ALREADY_SUBSCRIBED, "already subscribed")
    own = channels.of_user(connection.user_id) in connection.subscriptions
    if len(connection.subscriptions) - own >= house.settings.channels_per_connection:
        raise Refused(LIMIT_EXCEEDED, "channel limit")
    subscription = house.hub.attach(connection, request.channel, wants_presence=request.join_leave)
    try:
        await allow(house, connection, request.channel)
        result = await catch_up(house, subscription, request)
        _require_attached(subscription)
    except BaseException:
        house.hub.detach(subscription)
        raise
    return result, subscription


async def subscribe_to_self(
    house: House, connection: Connection, request: Subscribe
) -> tuple[SubscribeResult, Subscription]:
    """Subscribe a connection to its user's own channel, as the house does for everybody."""
    subscription = house.hub.attach(connection, request.channel)
    try:
        return await catch_up(house, subscription, request), subscription
    except BaseException:
        house.hub.detach(subscription)
        raise


async def allow(house: House, connection: Connection, channel: str) -> None:
    """Raise `Refused` 103 for a channel that this client may not see, or that does not exist."""
    own = channels.of_user(connection.user_id)
    if channels.kind(channel) == "user":
        allowed = channel == own
    else:
        try:
            allowed = await house.permits.may_subscribe(connection.caller, channel)
        except (Forbidden, NotFound):
            allowed = False
    if not allowed:
        raise _denied()


async def ask_again(house: House, channel: str) -> None:
    """Take a channel from those who may not see it any more. Who cannot be asked about keeps it."""
    for connection in house.hub.connections(channel):
        try:
            await allow(house, connection, channel)
        except Refused:
            house.hub.unsubscribe(channel, connection.user_id)
        except (DomainError, ConnectionError, TimeoutError):
            _log.warning("realtime_membership_unknown", extra={"channel": channel})


async def catch_up(house: House, subscription: Subscription, request: Subscribe) -> SubscribeResult:
    """Read what the client missed while publications wait in the subscription's buffer."""
    channel = subscription.feed.channel
    if not channels.is_recoverable(channel):
        return SubscribeResult(was_recovering=request.recover)
    feed = subscription.feed
    if feed.heard is not None:  # before the head is read, so that what comes after it is heard
        await asyncio.shield(feed.heard)
    heard = feed.position or 0
    head = await house.streams.position(channel)
    if head.offset < heard:
        raise Refused(INTERNAL, "stream went back", temporary=True)
    feed.start(head.offset)
    known = Position(request.offset, request.epoch)
    found = await recovery.missed(house.streams, house.settings, channel, known, head) if request.recover else None
    if request.recover and found is None and request.flag & _REJECT_UNRECOVERED:
        raise Refused(UNRECOVERABLE_POSITION, "unrecoverable position")
    subscription.position = found[-1].offset if found else head.offset
    return SubscribeResult(
        recoverable=True,
        positioned=True,
        epoch=head.epoch,
        offset=subscription.position,
        publications=[replies.past(publication) for publication in found or ()],
        recovered=found is not None,
        was_recovering=request.recover,
    )


def _require_attached(subscription: Subscription) -> None:
    """The channel may have been taken away while its past was read."""
    if not subscription.is_attached:
        raise _denied()


def _denied() -> Refused:
    return Refused(PERMISSION_DENIED, "permission denied")
