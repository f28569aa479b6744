"""What a letter's actor keeps, how events make it, and the rows that hold it."""

from typing import Any

import msgspec
from msgspec.structs import replace

from actors.errors import NotFound
from actors.messages.delivery import Task
from actors.messages.letter import (
    DeliveryChanged,
    DeliveryOffered,
    LetterArchived,
    LetterBegun,
    LetterChanged,
    LetterDeleted,
    LetterKind,
    LetterLabelled,
    LetterMoved,
    LetterStatus,
    Terms,
)
from actors.runtime.message import Aware, Event
from storage import queries
from storage.postgres import Record
from storage.write import Write

Q = queries.load("letter")
DELIVERY = queries.load("delivery")


class LetterState(msgspec.Struct, frozen=True, kw_only=True):
    """A letter and its task, without the words: those are rows that the turns write which change them."""

    id: str
    sender_id: str
    kind: LetterKind
    reply_to: str | None
    thread_id: str
    terms: Terms
    title: str
    version: int
    status: LetterStatus
    code: str | None = None
    label: str | None = None
    couriers: tuple[str, ...] = ()  # whoever has carried it, in order
    task: Task | None = None  # of the last time it was sealed
    created_at: Aware
    changed_at: Aware
    sealed_at: Aware | None = None
    collected_at: Aware | None = None
    in_transit_at: Aware | None = None
    delivered_at: Aware | None = None
    failed_at: Aware | None = None
    read_at: Aware | None = None
    sender_archived_at: Aware | None = None
    recipient_archived_at: Aware | None = None


TIMES = ("sealed_at", "collected_at", "in_transit_at", "delivered_at", "failed_at", "read_at")
_FRESH: dict[str, Any] = dict.fromkeys(TIMES)
_TERMS = Terms.__struct_fields__
_TASK = tuple(name for name in Task.__struct_fields__ if name != "id")
_OWN = tuple(name for name in LetterState.__struct_fields__ if name not in {"id", "terms", "task", "couriers"})


def there(state: LetterState | None) -> LetterState:
    """Return the letter. Raises `NotFound` when there is none (any more)."""
    if state is None:
        raise NotFound("no such letter")
    return state


def fold(state: LetterState | None, event: Event) -> LetterState | None:
    """Fold one event into the state. Pure."""
    if state is None:
        if isinstance(event, LetterBegun):
            return _begun(event)
        raise ValueError(f"{type(event).__name__} comes before the letter")
    match event:
        case LetterMoved():
            return _moved(state, event)
        case LetterChanged(private=now):
            return replace(state, terms=now.terms, title=now.title, version=event.version, changed_at=event.at)
        case DeliveryOffered():
            return replace(state, task=event.private)
        case DeliveryChanged():
            task = event.private.task
            return replace(state, task=task, couriers=_carried(state.couriers, task))
        case LetterArchived(private=by):
            return replace(
                state,
                sender_archived_at=event.at if by.by_sender else state.sender_archived_at,
                recipient_archived_at=event.at if by.by_recipient else state.recipient_archived_at,
            )
        case LetterLabelled():
            return replace(state, label=event.label)
        case LetterDeleted():
            return None
    raise TypeError(type(event).__name__)


def _begun(event: LetterBegun) -> LetterState:
    now = event.private
    return LetterState(
        id=event.letter_id, sender_id=now.sender_id, kind=now.kind, reply_to=now.reply_to, thread_id=now.thread_id,
        terms=now.terms, title=now.title, version=1, status="draft", created_at=event.at, changed_at=event.at,
    )  # fmt: skip


def _moved(state: LetterState, event: LetterMoved) -> LetterState:
    now: dict[str, Any] = {"status": event.to, "changed_at": event.at, "terms": event.private.terms}
    if event.to in {"draft", "scheduled"}:
        label = None if event.from_ == "sealed" else state.label
        return replace(state, code=None, label=label, **now, **_FRESH)
    return replace(state, code=event.private.code or state.code, **now, **{f"{event.to}_at": event.at})


def _carried(couriers: tuple[str, ...], task: Task) -> tuple[str, ...]:
    """Whoever has had the paper belongs to it for ever."""
    holder = task.courier_id
    has_paper = task.status in {"collected", "in_transit"} and holder is not None and holder not in couriers
    return (*couriers, str(holder)) if has_paper else couriers


def load_state(letter_id: str, row: Record) -> LetterState:
    """Make the state from its rows: the letter's columns, and its task's with ``task_`` before them."""
    task = None
    if row["task_id"] is not None:
        task = Task(id=row["task_id"], **{name: row[f"task_{name}"] for name in _TASK})
    return LetterState(
        id=letter_id, terms=Terms(**{name: row[name] for name in _TERMS}), task=task,
        couriers=msgspec.json.decode(row["couriers"], type=tuple[str, ...]),
        **{name: row[name] for name in _OWN},
    )  # fmt: skip


def save_state(state: LetterState, n: int) -> list[Write]:
    """The writes that make the rows equal to the state at event ``n``."""
    terms, task = state.terms, state.task
    row = (
        state.id, n, state.sender_id, state.kind, state.reply_to, state.thread_id,
        terms.recipient_id, terms.hides_recipient, terms.from_op, terms.to_op, terms.hides_place, terms.anonymous,
        terms.visibility, terms.deliver_after, terms.priority, terms.instructions,
        state.title, state.version, state.status, state.code, state.label,
        msgspec.json.encode(state.couriers).decode(), None if task is None else task.id,
        state.created_at, state.changed_at, *(getattr(state, name) for name in TIMES),
        state.sender_archived_at, state.recipient_archived_at,
    )  # fmt: skip
    saved = Write(Q.save_letters, row)
    if task is None:
        return [saved]
    return [saved, Write(DELIVERY.save_deliveries, (task.id, state.id, *(getattr(task, name) for name in _TASK)))]
