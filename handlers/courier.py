"""Couriers on the wire: who they are, what those above them decide, what people apply for."""

from actors.messages.courier import (
    ApplyCourier,
    AppointCourier,
    ApproveApplication,
    ChangeCourier,
    GetCourier,
    GetCourierStats,
    GetOwnCourier,
    ListApplications,
    ListRanking,
    ListSubordinates,
    PromoteCourier,
    RejectApplication,
    ResumeCourier,
    ShowApplication,
    SuspendCourier,
    TransferCourier,
)
from handlers.operation import Operation

_TAG = "courier"
_APPLICATIONS = "courier_applications"

OPERATIONS = [
    Operation(
        method="POST", path="/couriers/applications", message=ApplyCourier, to=_APPLICATIONS, tag=_TAG, status=201,
        rate="write", rpc="courier.apply", errors=("not_found", "conflict"),
        creates=lambda application_id: ShowApplication(application_id=application_id),
        summary="Ask to become a courier of a building: approved at once where little is asked for and a place is free",
        example={"prefixes": ["PK5F"], "max_daily_tasks": 10, "weekly_hours": 8, "transport": "bike"},
    ),
    Operation(
        method="GET", path="/couriers/applications", message=ListApplications, to=_APPLICATIONS, tag=_TAG,
        summary="My applications, and those that I may decide, newest first",
    ),
    Operation(
        method="GET", path="/couriers/applications/{application_id}", message=ShowApplication, to=_APPLICATIONS,
        tag=_TAG, summary="One application", errors=("not_found",),
    ),
    Operation(
        method="POST", path="/couriers/applications/{application_id}/approve", message=ApproveApplication,
        to=_APPLICATIONS, tag=_TAG, rate="write", errors=("forbidden", "not_found", "conflict"),
        summary="Say yes, as a courier one level above what is asked for", example={"note": "Welcome"},
    ),
    Operation(
        method="POST", path="/couriers/applications/{application_id}/reject", message=RejectApplication,
        to=_APPLICATIONS, tag=_TAG, rate="write", errors=("forbidden", "not_found", "conflict"),
        summary="Say no, and why", example={"reason": "There is nothing to carry in this building"},
    ),
    Operation(
        method="GET", path="/couriers/ranking", message=ListRanking, to="couriers", tag=_TAG,
        summary="Active couriers by points, of a school or of all",
    ),
    Operation(
        method="GET", path="/couriers/me", message=GetOwnCourier, to="couriers", tag=_TAG, rpc="courier.me",
        summary="Myself as a courier", errors=("not_found",),
    ),
    Operation(
        method="POST", path="/couriers", message=AppointCourier, to="couriers", tag=_TAG, status=201, rate="write",
        rpc="courier.appoint", creates=lambda user_id: GetCourier(courier_id=user_id),
        errors=("forbidden", "not_found", "conflict"),
        summary="Appoint a courier exactly one level below, inside one's own territory",
        example={"user_id": "018f5d7e-0000-7000-8000-000000000000", "level": 1, "prefixes": ["PK5F3"]},
    ),
    Operation(
        method="GET", path="/couriers/{courier_id}", message=GetCourier, to="couriers", tag=_TAG, rpc="courier.get",
        summary="A courier: for themselves, those above and directly below", errors=("not_found",),
    ),
    Operation(
        method="PATCH", path="/couriers/{courier_id}", message=ChangeCourier, to="couriers", tag=_TAG, rate="write",
        errors=("forbidden", "not_found", "conflict"), example={"prefixes": ["PK5F", "PK6A"]},
        summary="Change what is named: territory and limits by the direct parent, transport and times by oneself, too",
    ),
    Operation(
        method="GET", path="/couriers/{courier_id}/subordinates", message=ListSubordinates, to="couriers", tag=_TAG,
        summary="Who stands below: directly, or with `deep` the whole tree; higher levels first",
        errors=("forbidden", "not_found"),
    ),
    Operation(
        method="GET", path="/couriers/{courier_id}/stats", message=GetCourierStats, to="couriers", tag=_TAG,
        summary="What a courier has done by day, and how far the next level is", errors=("forbidden", "not_found"),
    ),
    Operation(
        method="POST", path="/couriers/{courier_id}/transfer", message=TransferCourier, to="couriers", tag=_TAG,
        rate="write", errors=("forbidden", "not_found", "conflict"),
        summary="Let a courier stand under another parent of the level above theirs",
        example={"parent_id": "018f5d7e-0000-7000-8000-000000000000", "reason": "Two halves of one building"},
    ),
    Operation(
        method="POST", path="/couriers/{courier_id}/suspend", message=SuspendCourier, to="couriers", tag=_TAG,
        rate="write", errors=("forbidden", "not_found", "conflict"),
        summary="Let a courier take nothing more; what they have accepted goes back to the pool",
        example={"reason": "On leave until October"},
    ),
    Operation(
        method="POST", path="/couriers/{courier_id}/resume", message=ResumeCourier, to="couriers", tag=_TAG,
        rate="write", errors=("forbidden", "not_found", "conflict"), summary="Let a suspended courier work again",
    ),
    Operation(
        method="POST", path="/couriers/{courier_id}/promote", message=PromoteCourier, to=_APPLICATIONS, tag=_TAG,
        status=201, rate="write", errors=("forbidden", "not_found", "conflict"),
        creates=lambda application_id: ShowApplication(application_id=application_id),
        summary="Ask for the next level, once its thresholds are reached", example={"reason": "Three of us by now"},
    ),
]  # fmt: skip
