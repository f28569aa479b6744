"""What the person who keeps the house running may ask."""

from typing import Annotated, Any, Literal

import msgspec

from actors.messages.fields import Id, Limit, Page
from actors.runtime.message import Aware, Command, Event, Query

Level = Literal["debug", "info", "warning", "error", "critical"]
Word = Annotated[str, msgspec.Meta(max_length=200, pattern="^[^\\x00]*$")]


class HouseInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What runs here, and since when."""

    version: str
    started_at: Aware
    house: str
    transport: str
    postgres: str
    uptime_seconds: float
    outgoing: list[str] = []  # channels on which things leave the house: email, push, sms


class ActorFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of actor."""

    kind: str
    active: int
    depth: int
    oldest_seconds: float
    handled: int
    crashed: int
    restarts: int
    expired: int
    handler_p50_ms: float
    handler_p99_ms: float


class Wait(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """One kind that waits for another's answer right now."""

    from_: str
    to: str
    seconds: float


class ActorList(msgspec.Struct, frozen=True, kw_only=True):
    """Every kind of actor in one house, who waits for whom, and the kinds whose supervisor has paused them."""

    house: str
    items: list[ActorFigures]
    waits: list[Wait]
    degraded: list[str]


class DeadLetterView(msgspec.Struct, frozen=True, kw_only=True):
    """A message that crashed its actor, without its secrets."""

    id: str
    kind: str
    key: str
    message_type: str
    message: Any
    error: str
    attempts: int
    at: Aware


class House(msgspec.Struct, frozen=True, kw_only=True):
    """A process that shares the work."""

    id: str
    name: str
    address: str
    alive: bool
    lease_expires_at: Aware | None
    partitions: int
    lag: int = 0  # messages of its partitions that it has not read
    pending: int = 0  # that it has read, and not ended
    hand_overs: int = 0  # partitions that it has handed over since it started


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the event table."""

    stream: str
    n: int
    type: str
    body: msgspec.Raw
    caller: str | None
    at: Aware


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One effective setting and where it comes from; secrets are masked."""

    section: str
    key: str
    value: Any
    source: str


class SettingList(msgspec.Struct, frozen=True):
    """Every setting."""

    items: list[Setting]


class LogLines(msgspec.Struct, frozen=True):
    """Lines of the log, newest first."""

    items: list[dict[str, Any]]


class GetInfo(Query[HouseInfo], frozen=True, kw_only=True):
    """What runs here."""


class ListActors(Query[ActorList], frozen=True, kw_only=True):
    """Every kind of actor with its figures."""


class ListDeadLetters(Query[Page[DeadLetterView]], frozen=True, kw_only=True):
    """Messages that crashed their actor, newest first."""

    limit: Limit = 20
    cursor: str | None = None


class GetDeadLetter(Query[DeadLetterView], frozen=True, kw_only=True):
    """One of them."""

    letter_id: Id


class RedeliverDeadLetter(Command[DeadLetterView], frozen=True, kw_only=True):
    """Send it again, and forget it once it has been accepted."""

    letter_id: Id


class DeleteDeadLetter(Command[None], frozen=True, kw_only=True):
    """Forget it."""

    letter_id: Id


class ListHouses(Query[Page[House]], frozen=True, kw_only=True):
    """Every house of this database."""

    limit: Limit = 20
    cursor: str | None = None


class ListEvents(Query[Page[StoredEvent]], frozen=True, kw_only=True):
    """The audit log: events, newest first."""

    stream: Word | None = None
    type: Word | None = None
    user_id: Id | None = None
    since: Aware | None = None
    limit: Limit = 20
    cursor: str | None = None


class ListSettings(Query[SettingList], frozen=True, kw_only=True):
    """The effective settings."""


class ListLogLines(Query[LogLines], frozen=True, kw_only=True):
    """The newest lines of the log that fit."""

    level: Level | None = None
    event: Word | None = None
    user_id: Id | None = None
    request_id: Word | None = None
    since: Aware | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100


class ActorsMeasured(Event, frozen=True, kw_only=True, tag="actors.measured"):
    """What channel ``system:actors`` tells every second, of each house. Never stored."""

    house: str = ""
    items: list[ActorFigures]
    waits: list[Wait]
    degraded: list[str]


class LinesLogged(Event, frozen=True, kw_only=True, tag="lines.logged"):
    """What channel ``system:logs`` tells: lines of the log of a house, oldest first. Never stored."""

    house: str = ""
    lines: list[msgspec.Raw]
