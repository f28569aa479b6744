"""What the commands of every connection work with."""

from dataclasses import dataclass

from actors.runtime.ports import Clock
from handlers.ports import Identities, Performs, Permits, Streams
from handlers.realtime.hub import Hub
from handlers.realtime.registry import Registry
from handlers.realtime.settings import RealtimeSettings
from handlers.realtime.wheel import Wheel


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The ports and the state that the commands share."""

    identities: Identities
    streams: Streams
    permits: Permits
    performs: Performs
    settings: RealtimeSettings
    clock: Clock
    hub: Hub
    registry: Registry
    wheel: Wheel
    version: str
