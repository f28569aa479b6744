"""The channels ``system:logs`` and ``system:actors``: what administrators watch live. Nothing here can be recovered."""

import asyncio
from collections.abc import Sequence

import msgspec

from actors.messages.system import ActorsMeasured, LinesLogged
from actors.runtime.ports import Clock, Stored
from app.surroundings import HouseSurroundings
from handlers.realtime.hub import Hub

LOGS, ACTORS = "system:logs", "system:actors"
MEASURE_SECONDS = 1.0
MOST_BYTES = 65_536
"""Of one publication: what does not fit goes into a further one, and a single line beyond it nowhere."""

_encode = msgspec.json.Encoder().encode


class _Role(msgspec.Struct):
    """The part of ``account.role_changed`` that says who may watch no longer."""

    user_id: str
    role: str


_decode = msgspec.json.Decoder(_Role).decode


class DeskChannels:
    """Publishes while somebody is subscribed, in whatever house; while nobody is to anything it costs nothing."""

    def __init__(self, hub: Hub, surroundings: HouseSurroundings, clock: Clock) -> None:
        self._hub = hub
        self._surroundings = surroundings
        self._clock = clock

    def lines(self, lines: Sequence[bytes]) -> None:
        """Publish lines of the log as they are written (`app.logs.Logs.subscribe`)."""
        if not self._hub.is_watched(LOGS):
            return
        part: list[msgspec.Raw] = []
        size = 0
        for line in lines:
            if len(line) > MOST_BYTES:
                continue
            if size + len(line) > MOST_BYTES:
                self._publish_lines(part)
                part, size = [], 0
            part.append(msgspec.Raw(line.rstrip()))
            size += len(line)
        self._publish_lines(part)

    async def measure(self) -> None:
        """Publish the actors' figures every second while anybody watches them, until cancelled."""
        while True:
            await self._hub.until_heard()
            if self._hub.is_watched(ACTORS):
                figures = self._surroundings.actors()
                event = ActorsMeasured(
                    at=self._clock.now(), house=self._surroundings.house, items=figures.items, waits=figures.waits,
                    degraded=figures.degraded,
                )  # fmt: skip
                self._hub.publish(ACTORS, 0, _encode(event))
            await asyncio.sleep(MEASURE_SECONDS)

    def publish(self, events: Sequence[Stored]) -> None:
        """Take the channels from whoever is no administrator any more (`actors.runtime.ports.Publisher`)."""
        for event in events:
            if event.type == "account.role_changed":
                changed = _decode(event.body)
                if changed.role not in {"admin", "super_admin"}:
                    for channel in (LOGS, ACTORS):
                        self._hub.unsubscribe(channel, changed.user_id)

    def _publish_lines(self, lines: list[msgspec.Raw]) -> None:
        if lines:
            event = LinesLogged(at=self._clock.now(), house=self._surroundings.house, lines=lines)
            self._hub.publish(LOGS, 0, _encode(event))
