"""The other houses, as the hub sees them (`handlers.ports.Neighbours`): one envelope per house and commit."""

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec
import structlog

from handlers.ports import ClientInfo
from handlers.realtime.codes import Close
from handlers.realtime.hub import Hub
from storage.errors import DatabaseUnavailable
from storage.redis.line import RedisUnavailable
from storage.redis.presence import Presence
from storage.redis.pubsub import PubSub

log = structlog.get_logger()

COMPARE_SECONDS = 5.0
"""Until a publication is missed that nobody has told, as of a house that died between COMMIT and telling."""
DEAF_SECONDS = 1.0
"""The same while Redis is away: then the event table alone tells."""
_CHANNELS = ("user", "chat", "task", "letter", "courier", "system")
_TAKE = "take"
_WATCHED = ("system:logs", "system:actors")
_EVERYBODY = "houses"
_LOST = b"lost"


class _Told(msgspec.Struct, array_like=True, gc=False):
    """What one house tells of a channel."""

    publications: list[tuple[int, bytes]] = []
    verb: str = ""  # join, leave, take, or nothing
    user: str = ""  # with take: nobody means everybody
    client: str = ""
    code: int = 0
    reason: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Told).decode


class Neighbourhood:
    """Everything told begins with 8 bytes that say who tells it: a house need not read what it has said itself."""

    def __init__(self, hub: Hub, pubsub: PubSub, presence: Presence, incarnation: int) -> None:
        self._hub = hub
        self._pubsub = pubsub
        self._presence = presence
        self._me = incarnation.to_bytes(8)
        self._compare_now = asyncio.Event()
        self._watched: set[str] = set()
        pubsub.on_gap(self._compare_now.set)
        pubsub.on_lost(self._tell_lost)
        pubsub.subscribe(_EVERYBODY, self._hear_everybody)
        presence.on_forgotten(self._enter_all)

    def listen(self, channel: str) -> "asyncio.Future[None]":
        """Hear of a channel; see `PubSub.subscribe`."""
        return self._pubsub.subscribe(channel, partial(self._hear, channel))

    def leave(self, channel: str) -> None:
        """Hear of a channel no more."""
        self._pubsub.unsubscribe(channel)

    def tell(self, channel: str, publications: Sequence[tuple[int, bytes]]) -> None:
        """Tell whoever listens; streams that are no channels are told to nobody."""
        if channel.partition(":")[0] in _CHANNELS:
            self._pubsub.publish(channel, self._me + _encode(_Told(list(publications))))

    def take_away(self, channel: str, user_id: str | None, code: int, reason: str) -> None:
        """Tell that somebody, or everybody, loses a channel."""
        told = _Told(verb=_TAKE, user=user_id or "", code=code, reason=reason)
        self._pubsub.publish(channel, self._me + _encode(told))

    def enter(self, channel: str, info: ClientInfo) -> None:
        """Somebody here has subscribed."""
        self._presence.enter(channel, info.client, info.user)
        self._tell_change("join", channel, info)

    def go(self, channel: str, info: ClientInfo) -> None:
        """Somebody here is subscribed no longer."""
        self._presence.leave(channel, info.client)
        self._tell_change("leave", channel, info)

    async def present(self, channel: str) -> list[ClientInfo]:
        """Who is subscribed in other houses; nobody while Redis is away."""
        [people] = await self._people([channel])
        return [ClientInfo(user=user, client=client) for client, user in people.items()]

    def is_watched(self, channel: str) -> bool:
        """Whether a ``system:`` channel was listened to elsewhere a moment ago."""
        return channel in self._watched

    async def users(self, channels: Sequence[str]) -> list[set[str]]:
        """For each channel, whose clients are subscribed in other houses (`app.presence.Elsewhere`)."""
        return [set(people.values()) for people in await self._people(channels)]

    async def run(self) -> None:
        """Find what nobody has told, and who watches what, until cancelled."""
        clock, compared_at = asyncio.get_running_loop().time, 0.0
        while True:
            await self._look_who_watches()
            if self._compare_now.is_set() or not self._pubsub.is_hearing or clock() > compared_at + COMPARE_SECONDS:
                self._compare_now.clear()
                compared_at = clock()
                await self._compare()
            try:
                async with asyncio.timeout(DEAF_SECONDS):
                    await self._compare_now.wait()
            except TimeoutError:
                continue

    async def _look_who_watches(self) -> None:
        listeners = await self._pubsub.count_others(_WATCHED)
        self._watched = {channel for channel, count in zip(_WATCHED, listeners, strict=True) if count}

    async def _compare(self) -> None:
        try:
            await self._hub.compare()
        except (DatabaseUnavailable, TimeoutError) as error:
            log.warning("realtime_not_compared", reason=str(error))

    async def _people(self, channels: Sequence[str]) -> list[dict[str, str]]:
        try:
            return await self._presence.elsewhere(channels)
        except RedisUnavailable:
            return [{} for _ in channels]

    def _hear(self, channel: str, said: bytes) -> None:
        if said.startswith(self._me):
            return
        told = _decode(said[8:])
        if told.publications:
            self._hub.hear(channel, told.publications)
        if told.verb == _TAKE:
            self._hub.unsubscribe(channel, told.user or None, Close(told.code, told.reason))
        elif told.verb:
            self._hub.hear_presence(told.verb, channel, ClientInfo(user=told.user, client=told.client))

    def _tell_change(self, verb: str, channel: str, info: ClientInfo) -> None:
        if not channel.startswith("user:"):  # where nobody is told who comes and goes
            told = _Told(verb=verb, user=info.user, client=info.client)
            self._pubsub.publish(channel, self._me + _encode(told))

    def _tell_lost(self) -> None:
        """Something that this house has told may have reached nobody: let everybody look."""
        self._pubsub.publish(_EVERYBODY, self._me + _LOST)

    def _hear_everybody(self, said: bytes) -> None:
        if said[8:] == _LOST and not said.startswith(self._me):
            self._compare_now.set()

    def _enter_all(self) -> None:
        for channel, info in self._hub.everybody():
            self._presence.enter(channel, info.client, info.user)
