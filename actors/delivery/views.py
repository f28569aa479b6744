"""From rows to what couriers see of tasks."""

from collections.abc import Sequence
from typing import Any

import msgspec

from actors.carrier import Carrier
from actors.messages.delivery import DeliveryTask, Offer, ScanAction, TaskStep
from actors.moves import LETTER, Role, open_to, status_after
from storage.postgres import Record

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_ACTIONS: Sequence[ScanAction] = ("collect", "transit", "deliver", "fail")
_WITH_PAPER = {"collected", "in_transit"}
_PLAIN = (
    "id", "letter_id", "code", "label", "status", "courier_id", "priority", "instructions", "points", "deadline",
    "attempts", "created_at", "changed_at",
)  # fmt: skip


def task_of(row: Record, carrier: Carrier, history: Sequence[Record] = ()) -> DeliveryTask:
    """A task as somebody may see it."""
    offer = None if row["offer_until"] is None else Offer(row["offer_to"], row["offer_until"])
    return DeliveryTask(
        from_op_code=carrier.show(row["from_op"]), to_op_code=carrier.show(row["to_op"]),
        current_op_code=carrier.show(row["current_op"]), offer=offer,
        history=[_step_of(one, carrier) for one in history], **{name: row[name] for name in _PLAIN},
    )  # fmt: skip


def concerns(row: Record, carrier: Carrier) -> bool:
    """Whether a task concerns somebody."""
    return carrier.may_know((row["courier_id"], row["offer_to"]), (row["from_op"], row["to_op"], row["current_op"]))


def next_actions(status: str, row: Record, carrier: Carrier) -> list[ScanAction]:
    """What somebody may scan next, as the tables of moves say."""
    roles: list[Role] = ["admin"] if carrier.is_admin else []
    is_holder = row["courier_id"] == carrier.user_id
    if is_holder:
        roles.append("holder")
    if row["courier_id"] is None and carrier.level is not None:
        roles.append("courier")
    after = set(open_to(LETTER, status, roles))
    found: list[ScanAction] = [action for action in _ACTIONS if status_after(action) in after]
    if row["status"] in _WITH_PAPER:
        if is_holder:
            found.append("handover")
        elif row["offer_until"] is not None and row["offer_to"] in {None, carrier.user_id}:
            found.append("receive")
    return found


def _step_of(row: Record, carrier: Carrier) -> TaskStep:
    told = _decode(row["body"])
    private = told["private"]
    task = private.get("task", private)
    return TaskStep(
        step=told.get("step", "offered"), status=task["status"], courier_id=task.get("courier_id"),
        place=carrier.show(task["current_op"]), note=private.get("note"), at=row["at"],
    )  # fmt: skip
