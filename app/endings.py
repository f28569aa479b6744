"""Ends of sessions, keys and accounts, and changes of role, as all other houses commit them."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from actors.runtime.ports import Clock, Stored
from app.courier_channels import LOSING
from app.identities import Identities
from app.publishing import Listener
from storage.following import FOLLOWED, Following
from storage.redis.pubsub import PubSub

DEAF_SECONDS = 5.0
"""Of silence; then every token is refused, since it may have ended."""
_CHANNEL = "endings"
_TOLD = FOLLOWED | LOSING
"""Of what couriers may hear, too: should that be lost, their rows are looked at a bit later."""


class _Told(msgspec.Struct, array_like=True):
    """What one house tells of an event."""

    stream: str
    n: int
    type: str
    body: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Told]).decode


class Endings:
    """Told over Redis in a moment, and read from the event table half a second later at the latest.

    ``listeners`` hear each event once, in the order of its stream, as if it had been committed here.
    """

    def __init__(
        self, identities: Identities, clock: Clock, listeners: Sequence[Listener], pubsub: PubSub, incarnation: int
    ) -> None:
        self._identities = identities
        self._clock = clock
        self._listeners = listeners
        self._pubsub = pubsub
        self._me = incarnation.to_bytes(8)
        self._is_new: Callable[[str, int], bool]

    def follow(self, following: Following) -> None:
        """Begin to hear."""
        self._is_new = following.is_new
        self._trust()
        self._pubsub.subscribe(_CHANNEL, self._hear)

    def publish(self, events: Sequence[Stored]) -> None:
        """Tell the others what was committed here (`actors.runtime.ports.Publisher`)."""
        told = [_Told(event.stream, event.n, event.type, event.body) for event in events if event.type in _TOLD]
        if told:
            self._pubsub.publish(_CHANNEL, self._me + _encode(told))

    def read(self, events: Sequence[Any]) -> None:
        """Hear of rows of the event table."""
        self._tell([Stored(event.stream, event.n, event.type, event.body, event.at) for event in events])

    def heard(self, age_seconds: float) -> None:
        """Everything that was committed up to so long ago has been heard."""
        self._trust(age_seconds)

    def _hear(self, said: bytes) -> None:
        if not said.startswith(self._me):
            now = self._clock.now()
            told = [one for one in _decode(said[8:]) if self._is_new(one.stream, one.n)]
            self._tell([Stored(one.stream, one.n, one.type, one.body, now) for one in told])

    def _tell(self, events: Sequence[Stored]) -> None:
        for listener in self._listeners:
            listener(events)

    def _trust(self, age_seconds: float = 0.0) -> None:
        self._identities.trust_until(self._clock.monotonic() - age_seconds + DEAF_SECONDS)
