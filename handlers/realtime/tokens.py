"""``connect`` and ``refresh``: who a connection stands for, and until when."""

import math
import random

from actors.errors import DomainError, Forbidden, Unauthorized
from handlers.ports import Identity, TokenExpired
from handlers.realtime import channels
from handlers.realtime.codes import (
    BAD_REQUEST,
    CHANNEL_LIMIT,
    EXPIRED,
    INTERNAL_ERROR,
    INVALID_TOKEN,
    NO_PONG,
    STALE,
    TOKEN_EXPIRED,
    UNAUTHORIZED,
    Ended,
    Refused,
)
from handlers.realtime.commands import Connect, Recover, Refresh, Subscribe
from handlers.realtime.connection import Connection
from handlers.realtime.house import House
from handlers.realtime.replies import PING, ConnectResult, RefreshResult
from handlers.realtime.subscribing import subscribe_to_self
from handlers.realtime.subscription import Subscription

NEVER = math.inf


async def connect(house: House, connection: Connection, request: Connect) -> tuple[ConnectResult, Subscription]:
    """Admit a client and subscribe it to its user's channel.

    Raises `Refused` 101, 109 and 100 (come again), `Ended` for every other reason.
    """
    if connection.user_id:
        raise Ended(BAD_REQUEST)
    if len(request.subs) > house.settings.channels_per_connection:
        raise Ended(CHANNEL_LIMIT)
    identity = await _identify(house, request.token)
    _accept(house, connection, identity)
    house.registry.admit(connection)
    channel = channels.of_user(connection.user_id)
    if house.hub.neighbours is not None:
        elsewhere = await house.hub.neighbours.present(channel)
        house.registry.require_room(connection.user_id, len(elsewhere))
    known = request.subs.get(channel, Recover())
    wanted = Subscribe(channel=channel, recover=known.recover, epoch=known.epoch, offset=known.offset)
    try:
        subscribed, subscription = await subscribe_to_self(house, connection, wanted)
    except (DomainError, Refused, ConnectionError, TimeoutError) as error:
        raise Ended(INTERNAL_ERROR) from error
    _start_pings(house, connection)
    expires, ttl = _lifetime(house, identity)
    result = ConnectResult(
        client=connection.client,
        version=house.version,
        ping=house.settings.ping_seconds,
        expires=expires,
        ttl=ttl,
        subs={channel: subscribed},
    )
    return result, subscription


async def refresh(house: House, connection: Connection, request: Refresh) -> RefreshResult:
    """Prolong a living connection. Raises `Refused` 109, `Ended` 3500 for a bad token or somebody else's."""
    identity = await _identify(house, request.token)
    if identity.caller.user_id != connection.user_id:
        raise Ended(INVALID_TOKEN)
    _accept(house, connection, identity)
    _watch(house, connection, house.clock.monotonic())
    expires, ttl = _lifetime(house, identity)
    return RefreshResult(client=connection.client, version=house.version, expires=expires, ttl=ttl)


def pong(house: House, connection: Connection) -> None:
    """Take note that a client is there; a pong that nobody asked for counts as a command."""
    if connection.pong_by == NEVER:
        connection.budget.spend(house.settings, house.clock.monotonic())
    connection.pong_by = NEVER


def check(house: House, connection: Connection, now: float) -> None:
    """Close a connection whose time is up, ping it if that is due, and say when to look again."""
    if not connection.user_id:
        connection.close(STALE)
    elif now >= connection.expires_at + house.settings.expiry_grace_seconds:
        connection.close(EXPIRED)
    elif now >= connection.pong_by and not connection.busy:
        connection.close(NO_PONG)
    else:
        if now >= connection.ping_at:
            connection.send(PING)
            connection.pong_by = min(connection.pong_by, now + house.settings.pong_seconds)
            connection.ping_at = now + house.settings.ping_seconds
        _watch(house, connection, now)


async def _identify(house: House, token: str) -> Identity:
    if not token:
        raise Refused(UNAUTHORIZED, "unauthorized")
    try:
        identity = house.identities.known(token)
        if identity is None:
            await house.identities.verify(token)
            # Asked again: a revocation may have come between the verification and this moment.
            identity = house.identities.known(token) or await house.identities.verify(token)
    except TokenExpired as error:
        raise Refused(TOKEN_EXPIRED, "token expired") from error
    except (Unauthorized, Forbidden) as error:
        raise Ended(INVALID_TOKEN) from error
    if identity.caller.user_id is None:
        raise Ended(INVALID_TOKEN)
    if _seconds_left(house, identity) <= 0:
        raise Refused(TOKEN_EXPIRED, "token expired")
    return identity


def _accept(house: House, connection: Connection, identity: Identity) -> None:
    connection.caller = identity.caller
    connection.user_id = identity.caller.user_id or ""
    connection.expires_at = house.clock.monotonic() + _seconds_left(house, identity)


def _start_pings(house: House, connection: Connection) -> None:
    """The first ping comes early by chance: clients that all came at once are not all pinged at once."""
    now = house.clock.monotonic()
    connection.ping_at = now + house.settings.ping_seconds * random.uniform(0.5, 1)  # noqa: S311 - no secret
    _watch(house, connection, now)


def _watch(house: House, connection: Connection, now: float) -> None:
    end = connection.expires_at + house.settings.expiry_grace_seconds
    house.wheel.watch(connection, max(now, min(connection.ping_at, connection.pong_by, end)))


def _lifetime(house: House, identity: Identity) -> tuple[bool, int]:
    """Whether the token ends, and in how many whole seconds; never 0, which clients take for never."""
    left = _seconds_left(house, identity)
    return (True, max(1, int(left))) if left < NEVER else (False, 0)


def _seconds_left(house: House, identity: Identity) -> float:
    return identity.expires_at - house.clock.now().timestamp()
