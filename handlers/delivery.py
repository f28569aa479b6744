"""What couriers do with tasks and scanners, on the wire."""

from actors.messages.delivery import (
    AcceptDelivery,
    AssignDelivery,
    GetDelivery,
    ListDeliveries,
    ListScans,
    ReassignDelivery,
    ReleaseDelivery,
    ScanLetter,
    ScanLetters,
)
from handlers.operation import Operation

_TAG = "delivery"
_COURIER = "01990a1b-5c00-7000-8000-00000000000c"
_SCAN = {
    "code": "OP7K3MX9QRTW", "action": "collect", "op_code": "PK5F21", "client_scan_id": "phone-17",
    "scanned_at": "2026-03-01T08:15:00Z",
}  # fmt: skip
_MOVING = ("forbidden", "not_found", "conflict")

TASKS = [
    Operation(
        method="GET", path="/couriers/tasks", message=ListDeliveries, to="deliveries", tag=_TAG, rpc="delivery.list",
        summary="Tasks that I may take (status, near), or that I hold (mine)",
    ),
    Operation(
        method="GET", path="/couriers/tasks/{task_id}", message=GetDelivery, to="deliveries", tag=_TAG,
        summary="One task with its history", errors=("not_found",),
    ),
    Operation(
        method="POST", path="/couriers/tasks/{task_id}/accept", message=AcceptDelivery, to="deliveries", tag=_TAG,
        rate="write", rpc="delivery.accept", errors=_MOVING,
        summary="Take a task; of many who try at once exactly one gets it",
    ),
    Operation(
        method="POST", path="/couriers/tasks/{task_id}/release", message=ReleaseDelivery, to="deliveries", tag=_TAG,
        rate="write", rpc="delivery.release", summary="Give a task back that was not collected yet", errors=_MOVING,
    ),
    Operation(
        method="POST", path="/couriers/tasks/{task_id}/assign", message=AssignDelivery, to="deliveries", tag=_TAG,
        rate="write", summary="Give an available task to a courier below me", errors=_MOVING,
        example={"courier_id": _COURIER},
    ),
    Operation(
        method="POST", path="/couriers/tasks/{task_id}/reassign", message=ReassignDelivery, to="deliveries", tag=_TAG,
        rate="write", summary="Give an accepted task to another courier below me; the reason is kept", errors=_MOVING,
        example={"courier_id": _COURIER, "reason": "Their bike broke down."},
    ),
]  # fmt: skip

SCANS = [
    Operation(
        method="POST", path="/couriers/scan", message=ScanLetter, to="deliveries", tag=_TAG, rate="write",
        rpc="delivery.scan", errors=(*_MOVING, "unprocessable"), example=_SCAN,
        summary="Scan an envelope: it moves the letter; the same scan again does nothing",
    ),
    Operation(
        method="POST", path="/couriers/scans", message=ScanLetters, to="deliveries", tag=_TAG, rate="write",
        rpc="delivery.scan_all", errors=("unprocessable",), example={"scans": [_SCAN]}, timeout_seconds=30.0,
        summary="Scans made without network, applied in the order of their times, each answered by itself",
    ),
    Operation(
        method="GET", path="/couriers/scans", message=ListScans, to="deliveries", tag=_TAG,
        summary="My scans as they were kept, refused ones too; administrators: those of one letter",
    ),
]  # fmt: skip

OPERATIONS = TASKS + SCANS
