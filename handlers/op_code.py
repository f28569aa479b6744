"""OP codes on the wire: schools, areas, points and applications for them."""

from actors.messages.op_code import (
    ApplyPoint,
    ApprovePoint,
    GetOpCode,
    ListAreas,
    ListPointApplications,
    ListSchools,
    OpenArea,
    OpenSchool,
    RejectPoint,
    ReleasePoint,
    ShowPlace,
    ShowPointApplication,
)
from handlers.operation import Operation

_TAG = "op_code"
_APPLICATIONS = "op_applications"

OPERATIONS = [
    Operation(
        method="POST", path="/op-codes/schools", message=OpenSchool, to="op_codes", tag=_TAG, status=201, rate="write",
        creates=lambda code: ShowPlace(code=code), errors=("forbidden", "conflict"),
        summary="Open a school, as a courier of level 4 or an administrator", example={"code": "PK", "name": "Park"},
    ),
    Operation(
        method="GET", path="/op-codes/schools", message=ListSchools, to="op_codes", tag=_TAG, summary="Schools by code"
    ),
    Operation(
        method="POST", path="/op-codes/areas", message=OpenArea, to="op_codes", tag=_TAG, status=201, rate="write",
        creates=lambda code: ShowPlace(code=code), errors=("forbidden", "conflict"),
        summary="Open an area or building, as a courier of level 3 or above of that school",
        example={"code": "PK5F", "name": "Building 5, floor F"},
    ),
    Operation(
        method="GET", path="/op-codes/areas", message=ListAreas, to="op_codes", tag=_TAG,
        summary="The areas of a school by code",
    ),
    Operation(
        method="POST", path="/op-codes/applications", message=ApplyPoint, to=_APPLICATIONS, tag=_TAG, status=201,
        rate="write", rpc="op_code.apply", creates=lambda found: ShowPointApplication(point_id=found),
        errors=("not_found",), summary="Ask for a point, where letters reach me",
        example={
            "school": "PK", "area": "5F", "type": "dormitory", "name": "Room 312", "address": "5 Park Lane, room 312",
            "reason": "I live here",
        },
    ),
    Operation(
        method="GET", path="/op-codes/applications", message=ListPointApplications, to=_APPLICATIONS, tag=_TAG,
        summary="My applications, and those of my territory where I give points, newest first",
    ),
    Operation(
        method="GET", path="/op-codes/applications/{point_id}", message=ShowPointApplication, to=_APPLICATIONS,
        tag=_TAG, summary="One application", errors=("not_found",),
    ),
    Operation(
        method="POST", path="/op-codes/applications/{point_id}/approve", message=ApprovePoint, to=_APPLICATIONS,
        tag=_TAG, rate="write", errors=("forbidden", "not_found", "conflict"), example={"code": "3D"},
        summary="Give a point: the one that is named, or a free one",
    ),
    Operation(
        method="POST", path="/op-codes/applications/{point_id}/reject", message=RejectPoint, to=_APPLICATIONS,
        tag=_TAG, rate="write", errors=("forbidden", "not_found", "conflict"), summary="Refuse with a reason",
        example={"reason": "Nobody of that name lives there"},
    ),
    Operation(
        method="GET", path="/op-codes/{code}", message=GetOpCode, to="op_codes", tag=_TAG, rpc="op_code.get",
        summary="What a code stands for; a point that is not public is masked for strangers", errors=("not_found",),
    ),
    Operation(
        method="POST", path="/op-codes/{code}/release", message=ReleasePoint, to=_APPLICATIONS, tag=_TAG, rate="write",
        errors=("not_found", "conflict"), summary="Give a point up, or take it back: its code is free then",
        example={"reason": "Moved out"},
    ),
]  # fmt: skip
