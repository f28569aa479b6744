"""What is said to and by couriers of what they carry: tasks, scans, hand-overs. Letters own the tasks."""

from typing import Annotated, Literal

import msgspec

from actors.messages.fields import Id, Limit, Page
from actors.messages.user import Text
from actors.runtime.message import Aware, Command, Query

TaskStatus = Literal["available", "accepted", "collected", "in_transit", "delivered", "failed", "cancelled"]
ScanAction = Literal["collect", "transit", "deliver", "fail", "handover", "receive"]
ScanResult = Literal["applied", "repeated", "refused"]

ScannedCode = Annotated[Text, msgspec.Meta(min_length=1, max_length=40)]
"""A letter code, a label or an OP code as a scanner read it or somebody typed it."""
ClientScanId = Annotated[Text, msgspec.Meta(min_length=1, max_length=100)]
ScanNote = Annotated[str, msgspec.Meta(max_length=500)]
Reason = Annotated[Text, msgspec.Meta(min_length=1, max_length=500)]
MOST_SCANS = 100


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery task as its letter keeps it."""

    id: str
    code: str
    status: TaskStatus
    courier_id: str | None = None
    courier_level: int | None = None
    from_op: str
    to_op: str
    current_op: str
    priority: str
    points: int
    deadline: Aware | None = None
    is_late: bool = False
    attempts: int = 0
    offer_to: str | None = None
    offer_until: Aware | None = None
    created_at: Aware
    changed_at: Aware


class Offer(msgspec.Struct, frozen=True):
    """A hand-over that waits to be received. ``to`` None: by whoever may."""

    to: str | None
    until: Aware


class TaskStep(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a task's history."""

    step: str
    status: str
    courier_id: str | None
    place: str | None
    note: str | None
    at: Aware


class DeliveryTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task as a courier sees it: OP codes are whole where they have authority, else masked (``PK5F**``).

    ``history`` is there when one task is asked for.
    """

    id: str
    letter_id: str
    code: str
    label: str | None
    status: TaskStatus
    courier_id: str | None
    from_op_code: str
    to_op_code: str
    current_op_code: str
    priority: str
    instructions: str
    points: int
    deadline: Aware | None
    attempts: int
    offer: Offer | None
    created_at: Aware
    changed_at: Aware
    history: list[TaskStep] = []


class Location(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a phone was, in degrees."""

    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    lng: Annotated[float, msgspec.Meta(ge=-180, le=180)]


class ScanEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scan that a phone has kept. ``to`` names whom a hand-over is for."""

    code: ScannedCode
    action: ScanAction
    op_code: ScannedCode
    client_scan_id: ClientScanId
    scanned_at: Aware | None = None
    location: Location | None = None
    note: ScanNote = ""
    photo_id: Annotated[Text, msgspec.Meta(min_length=1, max_length=200)] | None = None
    to: Id | None = None


class ScanOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan has done: the letter's state, the task, and what the courier may do next.

    ``repeated``: the letter was so already, or this scan has arrived before.
    """

    client_scan_id: str
    result: ScanResult
    letter_id: str
    status: str
    task: DeliveryTask
    next: list[ScanAction]


class Refusal(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Why a scan changed nothing: what its problem document says."""

    code: str
    detail: str
    from_: str | None = None
    to: str | None = None
    path: str | None = None


class ScanAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one scan of a batch: ``outcome``, or ``refusal`` where it was refused."""

    client_scan_id: str
    result: ScanResult
    outcome: ScanOutcome | None = None
    refusal: Refusal | None = None


class ScansDone(msgspec.Struct, frozen=True):
    """An answer for each scan, in the order in which they were sent."""

    items: list[ScanAnswer]


class KeptScan(msgspec.Struct, frozen=True, kw_only=True):
    """A scan as it was kept."""

    id: str
    courier_id: str
    client_scan_id: str
    letter_id: str | None
    code: str
    action: str
    op_code: str
    location: Location | None
    note: str
    photo_id: str | None
    scanned_at: Aware
    at: Aware
    result: ScanResult
    refusal: Refusal | None


class ListDeliveries(Query[Page[DeliveryTask]], frozen=True, kw_only=True):
    """Tasks that the caller may take, or holds.

    ``mine`` lists what the caller holds or has carried last; ``near`` puts what lies at this OP code first, then what
    lies in its area, then in its school, the oldest first.
    """

    status: TaskStatus | None = None
    mine: bool = False
    near: ScannedCode | None = None
    limit: Limit = 20
    cursor: str | None = None


class GetDelivery(Query[DeliveryTask], frozen=True, kw_only=True):
    """One task with its history."""

    task_id: Id


class AcceptDelivery(Command[DeliveryTask], frozen=True, kw_only=True):
    """Take a task. Of many who try at once exactly one gets it."""

    task_id: Id


class ReleaseDelivery(Command[DeliveryTask], frozen=True, kw_only=True):
    """Give a task back that was not collected yet. Administrators also free one that has failed too often."""

    task_id: Id


class AssignDelivery(Command[DeliveryTask], frozen=True, kw_only=True):
    """Give an available task to a courier below oneself."""

    task_id: Id
    courier_id: Id
    reason: Reason | None = None


class ReassignDelivery(Command[DeliveryTask], frozen=True, kw_only=True):
    """Give a task that somebody has accepted to another courier below oneself."""

    task_id: Id
    courier_id: Id
    reason: Reason


class ScanLetter(Command[ScanOutcome], frozen=True, kw_only=True):
    """Scan an envelope: it moves the letter. The same ``client_scan_id`` again has no other effect."""

    code: ScannedCode
    action: ScanAction
    op_code: ScannedCode
    client_scan_id: ClientScanId
    scanned_at: Aware | None = None
    location: Location | None = None
    note: ScanNote = ""
    photo_id: Annotated[Text, msgspec.Meta(min_length=1, max_length=200)] | None = None
    to: Id | None = None


class ScanLetters(Command[ScansDone], frozen=True, kw_only=True):
    """Scans that were made without network. They are applied in the order of their times, each answered by itself."""

    scans: Annotated[list[ScanEntry], msgspec.Meta(min_length=1, max_length=MOST_SCANS)]


class ListScans(Query[Page[KeptScan]], frozen=True, kw_only=True):
    """The caller's scans as they were kept, newest first; administrators also ask for those of one letter."""

    letter_id: Id | None = None
    limit: Limit = 20
    cursor: str | None = None


class Accept(Command[None], frozen=True, kw_only=True):
    """To a letter: the caller takes its task."""

    letter_id: str
    task_id: str


class Release(Command[None], frozen=True, kw_only=True):
    """To a letter: its task goes back to the pool."""

    letter_id: str
    task_id: str


class Assign(Command[None], frozen=True, kw_only=True):
    """To a letter: a courier gets its task. ``is_again``: in place of whoever has accepted it."""

    letter_id: str
    task_id: str
    courier_id: str
    reason: str | None = None
    is_again: bool = False


class Scan(Command[ScanResult], frozen=True, kw_only=True):
    """To a letter: somebody has scanned it. ``code`` and ``op_code`` are normalised, ``scanned_at`` is there."""

    letter_id: str
    entry: ScanEntry


class LoseCourier(Command[None], frozen=True, kw_only=True):
    """To a letter: this courier was suspended, or is gone; a task that they have only accepted goes back."""

    letter_id: str
    user_id: str


class AssignDue(Command[None], frozen=True, kw_only=True):
    """To a letter: nobody has taken the task for a while; the house chooses."""

    letter_id: str
    task_id: str


class DeadlinePassed(Command[None], frozen=True, kw_only=True):
    """To a letter: the deadline is long past."""

    letter_id: str
    task_id: str
