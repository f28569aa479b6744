"""What is said to and by OP codes: schools, areas and points, and applications for points."""

from typing import Annotated, Literal

import msgspec

from actors.messages.courier import Mandate
from actors.messages.fields import Id, Limit, Page
from actors.messages.user import PublicUser, Text
from actors.runtime.message import Aware, Command, Event, Query

PointType = Literal["dormitory", "shop", "box", "club"]
PlaceKind = Literal["school", "area", "point"]
PointStatus = Literal["pending", "approved", "rejected", "released"]

TypedCode = Annotated[Text, msgspec.Meta(min_length=1, max_length=40)]
"""A code as somebody typed or scanned it: lower case, spaces and dashes are accepted."""
PlaceName = Annotated[Text, msgspec.Meta(min_length=1, max_length=100)]
Address = Annotated[Text, msgspec.Meta(min_length=1, max_length=300)]
Why = Annotated[Text, msgspec.Meta(max_length=500)]
Reason = Annotated[Text, msgspec.Meta(min_length=1, max_length=500)]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A school, or an area or building of one."""

    code: str
    name: str
    opened_by: str
    opened_at: Aware


class OpCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a code stands for, as far as the caller may see it: to strangers a point is ``PK5F**`` and nothing more."""

    code: str
    kind: PlaceKind
    school: str
    area: str | None = None  # names, as `school`
    name: str | None = None
    type: PointType | None = None
    address: str | None = None
    is_public: bool | None = None
    holder: PublicUser | None = None


class PointApplication(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's wish for a point. ``code`` is there once it was given."""

    id: str
    user_id: str
    area: str
    type: PointType
    name: str
    address: str
    reason: str = ""
    is_public: bool = False
    status: PointStatus = "pending"
    code: str | None = None
    note: str = ""
    decided_by: str | None = None
    decided_at: Aware | None = None
    created_at: Aware


class OpenSchool(Command[Place], frozen=True, kw_only=True):
    """Open a school: two characters, by a level-4 courier with this territory, or an administrator."""

    code: TypedCode
    name: PlaceName


class OpenArea(Command[Place], frozen=True, kw_only=True):
    """Open an area or building of a school: four characters, by a level-3 courier of that school or above."""

    code: TypedCode
    name: PlaceName


class ShowPlace(Query[Place], frozen=True, kw_only=True):
    """A school or an area, for a replay of the key under which it was opened."""

    code: str


class ListSchools(Query[Page[Place]], frozen=True, kw_only=True):
    """Open schools by code."""

    limit: Limit = 20
    cursor: str | None = None


class ListAreas(Query[Page[Place]], frozen=True, kw_only=True):
    """The areas and buildings of a school by code."""

    school: TypedCode
    limit: Limit = 20
    cursor: str | None = None


class GetOpCode(Query[OpCode], frozen=True, kw_only=True):
    """What a code stands for."""

    code: TypedCode


class ApplyPoint(Command[PointApplication], frozen=True, kw_only=True):
    """Ask for a point in an area. ``area`` is its two characters, or four with those of the school."""

    school: TypedCode
    area: TypedCode
    type: PointType
    name: PlaceName
    address: Address
    reason: Why = ""
    is_public: bool = False


class ListPointApplications(Query[Page[PointApplication]], frozen=True, kw_only=True):
    """One's own applications, and those of one's territory where one gives points; newest first."""

    status: PointStatus | None = None
    limit: Limit = 20
    cursor: str | None = None


class ShowPointApplication(Query[PointApplication], frozen=True, kw_only=True):
    """One application: for who made it, and who may decide it."""

    point_id: Id


class ApprovePoint(Command[PointApplication], frozen=True, kw_only=True):
    """Give the point. ``code``: its two last characters, or all six; without it a free one is chosen."""

    point_id: Id
    code: TypedCode | None = None
    note: Why = ""


class RejectPoint(Command[PointApplication], frozen=True, kw_only=True):
    """Refuse with a reason."""

    point_id: Id
    reason: Reason


class ReleasePoint(Command[PointApplication], frozen=True, kw_only=True):
    """Give a point up, or take it back: the code is free for others then."""

    code: TypedCode
    reason: Why = ""


class OpenPlace(Command[Place], frozen=True, kw_only=True):
    """To a place's actor: be open."""

    code: str
    name: str
    mandate: Mandate | None


class FilePoint(Command[PointApplication], frozen=True, kw_only=True):
    """The first message of an application's actor."""

    application: PointApplication


class DecidePoint(Command[PointApplication], frozen=True, kw_only=True):
    """To an application's actor: be approved (with a code), rejected or released."""

    status: Literal["approved", "rejected", "released"]
    code: str | None = None
    note: str = ""
    mandate: Mandate | None = None


class PlaceOpened(Event, frozen=True, kw_only=True, tag="op_code.opened"):
    """A school or an area is there."""

    place: Place


class PointEvent(Event, frozen=True, kw_only=True):
    """Something that happened to an application; ``application`` is all of it, as it is then."""

    application: PointApplication


class PointApplied(PointEvent, frozen=True, kw_only=True, tag="op_code.applied"):
    """Somebody asks for a point."""


class PointGiven(PointEvent, frozen=True, kw_only=True, tag="op_code.given"):
    """A point has a holder."""


class PointRefused(PointEvent, frozen=True, kw_only=True, tag="op_code.refused"):
    """An application was refused."""


class PointReleased(PointEvent, frozen=True, kw_only=True, tag="op_code.released"):
    """A point has no holder any more."""
