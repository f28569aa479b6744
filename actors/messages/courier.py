"""What is said to and by couriers: who they are, where, under whom, and what they ask to become."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from actors.messages.fields import Id, Limit, Page
from actors.messages.user import PublicUser, Text
from actors.runtime.message import Aware, Command, Event, Query

CourierLevel = Annotated[int, msgspec.Meta(ge=1, le=4)]
CourierStatus = Literal["pending", "active", "suspended", "rejected"]
Transport = Literal["walk", "bike", "ebike"]
ApplicationKind = Literal["entry", "promotion"]
ApplicationStatus = Literal["pending", "approved", "rejected"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

Prefixes = Annotated[list[Annotated[Text, msgspec.Meta(max_length=20)]], msgspec.Meta(max_length=50)]
"""Where a courier has authority: beginnings of OP codes, however they are typed."""
DailyTasks = Annotated[int, msgspec.Meta(ge=0, le=1_000)]
WeeklyHours = Annotated[int, msgspec.Meta(ge=0, le=168)]
TimeOfDay = Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5)]
Why = Annotated[Text, msgspec.Meta(max_length=500)]
Reason = Annotated[Text, msgspec.Meta(min_length=1, max_length=500)]


class TimeSlot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """When somebody usually carries letters, in their own time."""

    day: Weekday
    from_: TimeOfDay
    to: TimeOfDay


TimeSlots = Annotated[list[TimeSlot], msgspec.Meta(max_length=50)]


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks to become: a courier (``entry``), or one of the next level. ``decided_by`` None: the house."""

    id: str
    user_id: str
    kind: ApplicationKind
    level: int
    prefixes: list[str]
    max_daily_tasks: int
    weekly_hours: int
    transport: Transport
    time_slots: list[TimeSlot] = []
    reason: str = ""
    status: ApplicationStatus = "pending"
    note: str = ""
    decided_by: str | None = None
    decided_at: Aware | None = None
    created_at: Aware


class CourierState(msgspec.Struct, frozen=True, kw_only=True):
    """A courier as their actor keeps them, with their last application. ``parent_id`` None: under administrators."""

    user_id: str
    level: int
    prefixes: list[str]
    parent_id: str | None = None
    status: CourierStatus
    max_daily_tasks: int
    weekly_hours: int
    transport: Transport = "walk"
    time_slots: list[TimeSlot] = []
    since: Aware | None = None
    level_since: Aware | None = None
    created_at: Aware
    application: Application | None = None


class CourierFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What a courier carries and has done. ``rank`` is the level of points (1 to 6), reached at 0, 100, 300, ..."""

    open_tasks: int
    accepted_today: int
    delivered: int
    failed: int
    late: int
    rank: int
    next_rank_at: int | None


class Courier(msgspec.Struct, frozen=True, kw_only=True):
    """A courier as those see them who may."""

    user: PublicUser
    level: int
    prefixes: list[str]
    parent_id: str | None
    status: CourierStatus
    rating: float
    points: int
    max_daily_tasks: int
    weekly_hours: int
    transport: Transport
    time_slots: list[TimeSlot]
    stats: CourierFigures
    since: Aware | None
    level_since: Aware | None
    created_at: Aware


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ranking."""

    place: int
    user: PublicUser
    level: int
    points: int
    rank: int
    delivered: int
    rating: float


class CourierDay(msgspec.Struct, frozen=True):
    """One day (UTC) of a courier."""

    day: str
    accepted: int
    delivered: int
    failed: int
    late: int


class PromotionProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a courier is from what the next level asks for; ``needs`` and ``has`` by the same names."""

    level: int
    needs: dict[str, int]
    has: dict[str, int]
    is_met: bool


class CourierStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What a courier has done, by day (newest first, those with nothing left out) and altogether."""

    user_id: str
    points: int
    rating: float
    stats: CourierFigures
    active_days: int
    led: int  # active couriers directly below
    next_level: PromotionProgress | None
    days: list[CourierDay]


class ApplyCourier(Command[Application], frozen=True, kw_only=True):
    """Ask to become a courier of level 1 in a building, or some points of it.

    Approved at once where it asks for little and the building has a free place; else a level-2 courier decides.
    """

    prefixes: Prefixes
    max_daily_tasks: DailyTasks = 15
    weekly_hours: WeeklyHours = 20
    transport: Transport = "walk"
    time_slots: TimeSlots = msgspec.field(default_factory=list)
    reason: Why = ""


class ListApplications(Query[Page[Application]], frozen=True, kw_only=True):
    """One's own applications, and those that one may decide; administrators see all. Newest first."""

    status: ApplicationStatus | None = None
    limit: Limit = 20
    cursor: str | None = None


class ShowApplication(Query[Application], frozen=True, kw_only=True):
    """One application: for who made it, and who may decide it."""

    application_id: Id


class ApproveApplication(Command[Application], frozen=True, kw_only=True):
    """Say yes. ``prefixes``: another territory than was asked for."""

    application_id: Id
    prefixes: Prefixes | None = None
    note: Why = ""


class RejectApplication(Command[Application], frozen=True, kw_only=True):
    """Say no, and why."""

    application_id: Id
    reason: Reason


class GetOwnCourier(Query[Courier], frozen=True, kw_only=True):
    """The caller as a courier."""


class GetCourier(Query[Courier], frozen=True, kw_only=True):
    """A courier: for themselves, those above and directly below, and administrators."""

    courier_id: Id


class ListSubordinates(Query[Page[Courier]], frozen=True, kw_only=True):
    """Who stands directly below a courier, or (``deep``) the whole tree; higher levels first."""

    courier_id: Id
    deep: bool = False
    limit: Limit = 20
    cursor: str | None = None


class AppointCourier(Command[Courier], frozen=True, kw_only=True):
    """Make somebody a courier exactly one level below oneself, inside one's own territory. Active at once.

    Administrators appoint at any level; ``parent_id`` names whom the courier stands under.
    """

    user_id: Id
    level: CourierLevel
    prefixes: Prefixes
    parent_id: Id | None = None
    max_daily_tasks: DailyTasks = 30
    weekly_hours: WeeklyHours = 20
    transport: Transport = "walk"
    time_slots: TimeSlots = msgspec.field(default_factory=list)


class ChangeCourier(Command[Courier], frozen=True, kw_only=True):
    """Change what is named. Territory and limits by the direct parent; transport and times by oneself, too."""

    courier_id: Id
    prefixes: Prefixes | UnsetType = UNSET
    max_daily_tasks: DailyTasks | UnsetType = UNSET
    weekly_hours: WeeklyHours | UnsetType = UNSET
    transport: Transport | UnsetType = UNSET
    time_slots: TimeSlots | UnsetType = UNSET


class TransferCourier(Command[Courier], frozen=True, kw_only=True):
    """Let a courier stand under another parent, of the level above theirs. By the direct parent."""

    courier_id: Id
    parent_id: Id
    reason: Reason


class SuspendCourier(Command[Courier], frozen=True, kw_only=True):
    """Let a courier take nothing more; what they have accepted goes back to the pool. By anyone above."""

    courier_id: Id
    reason: Reason


class ResumeCourier(Command[Courier], frozen=True, kw_only=True):
    """Let a suspended courier work again. By anyone above."""

    courier_id: Id


class PromoteCourier(Command[Application], frozen=True, kw_only=True):
    """Ask for the next level, once its thresholds are reached. The level above that one decides."""

    courier_id: Id
    reason: Why = ""


class ListRanking(Query[Page[Ranked]], frozen=True, kw_only=True):
    """Active couriers by points, of a school or of all."""

    school: Annotated[Text, msgspec.Meta(max_length=20)] | None = None
    limit: Limit = 20
    cursor: str | None = None


class GetCourierStats(Query[CourierStatistics], frozen=True, kw_only=True):
    """What a courier has done: for themselves, those above, who sees performance there, and administrators."""

    courier_id: Id
    days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 30


class Mandate(msgspec.Struct, frozen=True, kw_only=True):
    """On what somebody's decision rests: that they are still an active courier of a level with this territory."""

    user_id: str
    level: int
    prefixes: list[str]


class FileApplication(Command[Application], frozen=True, kw_only=True):
    """To a courier's actor: keep an application. ``places``: approve it while its building has so many."""

    application: Application
    parent_id: str | None = None
    places: int | None = None


class DecideApplication(Command[Application], frozen=True, kw_only=True):
    """To a courier's actor: approve or reject."""

    application_id: str
    approve: bool
    note: str
    prefixes: list[str] = msgspec.field(default_factory=list)
    parent_id: str | None = None
    mandate: Mandate | None = None


class Appoint(Command[None], frozen=True, kw_only=True):
    """To a courier's actor: be one."""

    user_id: str
    level: int
    prefixes: list[str]
    parent_id: str | None
    max_daily_tasks: int
    weekly_hours: int
    transport: Transport
    time_slots: list[TimeSlot]
    mandate: Mandate | None


class Amend(Command[None], frozen=True, kw_only=True):
    """To a courier's actor: be like this; ``parent_id`` with a reason is a transfer."""

    prefixes: list[str] | UnsetType = UNSET
    max_daily_tasks: int | UnsetType = UNSET
    weekly_hours: int | UnsetType = UNSET
    transport: Transport | UnsetType = UNSET
    time_slots: list[TimeSlot] | UnsetType = UNSET
    parent_id: str | UnsetType | None = UNSET
    reason: str = ""
    mandates: list[Mandate] = msgspec.field(default_factory=list)


class SetStanding(Command[None], frozen=True, kw_only=True):
    """To a courier's actor: be suspended, or active again."""

    status: Literal["suspended", "active"]
    reason: str = ""
    mandate: Mandate | None = None


class CourierEvent(Event, frozen=True, kw_only=True):
    """Something that happened to a courier; ``courier`` is all of them as they are then, ``by`` whoever decided it."""

    user_id: str
    by: str | None
    courier: CourierState


class CourierApplied(CourierEvent, frozen=True, kw_only=True, tag="courier.applied"):
    """Somebody asks to become a courier, or one of the next level."""


class CourierAppointed(CourierEvent, frozen=True, kw_only=True, tag="courier.appointed"):
    """Somebody is a courier now: appointed, or their application was approved."""


class CourierRejected(CourierEvent, frozen=True, kw_only=True, tag="courier.rejected"):
    """An application was refused; the courier may still be one, of their old level."""

    reason: str


class CourierPromoted(CourierEvent, frozen=True, kw_only=True, tag="courier.promoted"):
    """A courier has another level."""

    was: int


class CourierChanged(CourierEvent, frozen=True, kw_only=True, tag="courier.changed"):
    """A courier has another territory, or other limits or times."""

    was: list[str]  # prefixes


class CourierTransferred(CourierEvent, frozen=True, kw_only=True, tag="courier.transferred"):
    """A courier stands under somebody else."""

    was: str | None
    reason: str


class CourierSuspended(CourierEvent, frozen=True, kw_only=True, tag="courier.suspended"):
    """A courier takes nothing more."""

    reason: str


class CourierResumed(CourierEvent, frozen=True, kw_only=True, tag="courier.resumed"):
    """A suspended courier works again."""
