"""Where publications meet connections. Fan-out never waits for a socket."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

from actors.runtime.ports import Stored
from handlers.ports import ClientInfo, Neighbours, Publication, Streams
from handlers.realtime import replies
from handlers.realtime.codes import MEMBERSHIP_LOST, Close
from handlers.realtime.connection import Connection
from handlers.realtime.feed import Feed, Found
from handlers.realtime.settings import RealtimeSettings
from handlers.realtime.subscription import Run, Subscription

_COMPARED_TOGETHER = 1_000
"""Channels whose heads are read in one statement."""


class Hub:
    """Knows the channels that somebody in this house is subscribed to.

    Everything that is published in one turn of the loop reaches a client in one frame. With ``neighbours``, what is
    published here reaches the clients of other houses, too, and what they `hear` reaches ours.
    """

    def __init__(self, streams: Streams, settings: RealtimeSettings) -> None:
        self._streams = streams
        self._settings = settings
        self._feeds: dict[str, Feed] = {}
        self._waiting: list[Connection] = []
        self._listeners: list[Found] = []
        self.publications = 0
        self.on_missed: Callable[[str], None] | None = None
        """Called, where there are neighbours, when something of a channel was missed: who may see it must be asked."""
        self.neighbours: Neighbours | None = None
        self._has_feeds = asyncio.Event()

    async def until_heard(self) -> None:
        """Return once anybody may hear what is published: at once where there are other houses."""
        if self.neighbours is None:
            await self._has_feeds.wait()

    @property
    def subscriptions(self) -> int:
        """How many subscriptions there are."""
        return sum(len(feed.subscriptions) for feed in self._feeds.values())

    def heard(self, events: Sequence[Stored]) -> Sequence[Stored]:
        """Leave out events that nobody can be subscribed to: most of them, in a house of few sockets."""
        feeds = self._feeds
        return events if self.neighbours is not None else [event for event in events if event.stream in feeds]

    def publish(self, channel: str, offset: int | None, data: bytes) -> None:
        """Publish JSON right after COMMIT. ``offset`` is the event's n; without one it cannot be recovered."""
        self.publish_all(channel, [(offset or 0, data)])

    def publish_all(self, channel: str, publications: Iterable[tuple[int, bytes]]) -> None:
        """As `publish`, for what was committed together: (offset, JSON), offset 0 for none."""
        feed = self._feeds.get(channel)
        if feed is not None or self.neighbours is not None:
            published = list(publications)
            if feed is not None:
                self.publications += len(published)
                feed.publish(published)
            if self.neighbours is not None:
                self.neighbours.tell(channel, published)

    def hear(self, channel: str, publications: Sequence[tuple[int, bytes]]) -> None:
        """Pass on what was published in another house; `on_found` hears of it first."""
        feed = self._feeds.get(channel)
        if feed is not None:
            self.publications += len(publications)
            self._tell_found(channel, [Publication(offset, data) for offset, data in publications])
            feed.publish(publications)

    def hear_presence(self, verb: str, channel: str, info: ClientInfo) -> None:
        """Tell those who want to know it of a ``join`` or ``leave`` in another house."""
        feed = self._feeds.get(channel)
        if feed is not None:
            _tell_presence(verb, feed, info)

    async def compare(self) -> None:
        """Look whether anything was published that nobody has heard here. Raises what the streams raise."""
        channels = [channel for channel, feed in self._feeds.items() if feed.position is not None]
        for first in range(0, len(channels), _COMPARED_TOGETHER):
            offsets = await self._streams.offsets(channels[first : first + _COMPARED_TOGETHER])
            for channel, head in offsets.items():
                if (feed := self._feeds.get(channel)) is not None:
                    feed.compare(head)

    def on_found(self, listener: Found) -> None:
        """Call ``listener`` with what nobody had published, as of a turn whose outcome was long unknown."""
        self._listeners.append(listener)

    def attach(self, connection: Connection, channel: str, *, wants_presence: bool = False) -> Subscription:
        """Subscribe a connection; its publications wait until `Subscription.go_live`."""
        feed = self._feeds.get(channel)
        if feed is None:
            feed = self._feeds[channel] = Feed(channel, self._streams, self._settings, self._tell_missed)
            self._has_feeds.set()
            if self.neighbours is not None:
                feed.heard = self.neighbours.listen(channel)
        limit = self._settings.recovery_publications
        subscription = Subscription(connection, feed, wants_presence=wants_presence, waiting_limit=limit)
        feed.subscriptions[connection.client] = connection.subscriptions[channel] = subscription
        return subscription

    def go_live(self, subscription: Subscription) -> None:
        """Let publications through and tell the others who has come."""
        subscription.go_live()
        if self.neighbours is not None:
            self.neighbours.enter(subscription.feed.channel, subscription.connection.info)
        _tell_presence("join", subscription.feed, subscription.connection.info)

    def detach(self, subscription: Subscription) -> None:
        """End a subscription and tell the others; nothing happens to one that has ended."""
        if not subscription.is_attached:
            return
        subscription.is_attached = False
        feed, client = subscription.feed, subscription.connection.client
        del feed.subscriptions[client], subscription.connection.subscriptions[feed.channel]
        if self.neighbours is not None and subscription.is_live:
            self.neighbours.go(feed.channel, subscription.connection.info)
        if not feed.subscriptions:
            feed.stop()
            del self._feeds[feed.channel]
            if not self._feeds:
                self._has_feeds.clear()
            if self.neighbours is not None:
                self.neighbours.leave(feed.channel)
        elif subscription.is_live:
            _tell_presence("leave", feed, subscription.connection.info)

    def unsubscribe(self, channel: str, user_id: str | None, why: Close = MEMBERSHIP_LOST) -> None:
        """Take a channel from a user (None: from everybody), on every connection of theirs, and say so.

        Whoever is subscribing at this moment is refused: they attach before anybody is asked whether they may.
        """
        for connection in self.connections(channel):
            if user_id is None or connection.user_id == user_id:
                subscription = connection.subscriptions[channel]
                self.detach(subscription)
                if subscription.is_live:
                    connection.send(replies.unsubscribe(channel, why))

    def is_watched(self, channel: str) -> bool:
        """Whether anybody is subscribed, in whatever house; for ``system:`` channels, known a bit late."""
        return bool(self.present(channel)) or (self.neighbours is not None and self.neighbours.is_watched(channel))

    def everybody(self) -> Iterator[tuple[str, ClientInfo]]:
        """Go through all live subscriptions: channel and who it is."""
        for channel, feed in self._feeds.items():
            for subscription in feed.subscriptions.values():
                if subscription.is_live:
                    yield channel, subscription.connection.info

    def channels(self, user_id: str, noun: str) -> list[str]:
        """The channels beginning with ``noun`` to which a user is subscribed in this house, or is subscribing."""
        return [
            channel
            for channel in self._feeds
            if channel.startswith(noun) and any(one.user_id == user_id for one in self.connections(channel))
        ]

    def listening(self, noun: str) -> set[str]:
        """Who is subscribed in this house to a channel that begins with ``noun``, by id."""
        return {
            connection.user_id
            for channel in self._feeds
            if channel.startswith(noun)
            for connection in self.connections(channel)
        }

    def present(self, channel: str) -> list[ClientInfo]:
        """Return who is subscribed in this house, in the order in which they came."""
        return [c.info for c in self.connections(channel) if c.subscriptions[channel].is_live]

    def take_away(self, channel: str, user_id: str | None, why: Close = MEMBERSHIP_LOST) -> None:
        """`unsubscribe` in all houses: for a loss that others cannot see from what is published."""
        self.unsubscribe(channel, user_id, why)
        if self.neighbours is not None:
            self.neighbours.take_away(channel, user_id, why.code, why.reason)

    def users(self, channel: str) -> set[str]:
        """Return who is subscribed in this house, by id."""
        feed = self._feeds.get(channel)
        return {one.connection.user_id for one in feed.subscriptions.values() if one.is_live} if feed else set()

    def flush_soon(self, connection: Connection) -> None:
        """Flush a connection soon, together with all the others.

        Not in the next turn of the loop but in the one behind it: what is published now was asked for by somebody,
        whose answer is made in the next one and goes out in the same frame.
        """
        if not self._waiting:
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self._flush)
        self._waiting.append(connection)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            connection.flush()

    def _tell_missed(self, channel: str, publications: Sequence[Publication]) -> None:
        """Something was read that nobody had told: with it, a loss of membership may have gone astray."""
        self._tell_found(channel, publications)
        if self.neighbours is not None and self.on_missed is not None:
            self.on_missed(channel)

    def _tell_found(self, channel: str, publications: Sequence[Publication]) -> None:
        for listener in self._listeners:
            listener(channel, publications)

    def connections(self, channel: str) -> Sequence[Connection]:
        """Return who is subscribed in this house, or is subscribing."""
        feed = self._feeds.get(channel)
        return [subscription.connection for subscription in feed.subscriptions.values()] if feed else []


def _tell_presence(verb: str, feed: Feed, info: ClientInfo) -> None:
    others = [one for one in feed.subscriptions.values() if one.wants_presence and one.connection.client != info.client]
    if others:
        run = Run([(0, replies.presence_change(verb, feed.channel, info))])
        for other in others:
            other.deliver(run)
