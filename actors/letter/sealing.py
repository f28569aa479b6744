"""Sealing, scheduling and taking back: how a draft becomes something that is carried, and a draft again."""

import secrets
from datetime import datetime

from msgspec.structs import replace

from actors.authority import ALPHABET, lookalikes
from actors.errors import Forbidden, InvalidRequest
from actors.letter.ledger import Ledger
from actors.letter.settings import LetterSettings
from actors.letter.state import LetterState
from actors.letter.timing import KIND, Timers, timer_id
from actors.messages.delivery import AssignDue, Task
from actors.messages.letter import DeliveryOffered, SealDue, Terms
from actors.moves import LABEL as LABELS
from actors.moves import befores, refusal
from actors.runtime.ids import uuid7
from storage import queries
from storage.courier import DELIVERY_POINTS, release_write
from storage.postgres import Record
from storage.write import Write

LABEL = queries.load("label")
CODE_SIGNS = 10


def new_code() -> str:
    """A code that nobody can guess."""
    return "OP" + "".join(secrets.choice(ALPHABET) for _ in range(CODE_SIGNS))


def seal(ledger: Ledger, known: Record, settings: LetterSettings, timers: Timers) -> None:
    """Let a draft be sealed now, or at ``deliver_after`` where that is to come.

    ``known``: what the rows say of its words, people and places (`LetterStore.get_sealing`).

    Raises:
        InvalidRequest: it says nothing, or nobody knows where it comes from or goes.
        Forbidden: its recipient does not want to hear from its sender.
        Conflict: it is no draft.
    """
    state = ledger.state
    if state.sender_archived_at is not None:
        raise refusal("archived", "sealed")
    if state.status != "draft":
        raise refusal(state.status, "sealed")
    _check(state, known)
    terms = _settled(state.terms, known)
    if terms.deliver_after is not None and terms.deliver_after > ledger.at:
        ledger.move("scheduled", ("sender",), terms=terms)
        timer = timer_id(state.id, "seal")
        message = SealDue(letter_id=state.id, timer_id=timer)
        ledger.writes += [timers.end(timer), timers.set(timer, KIND, state.id, message, terms.deliver_after)]
        return
    close(ledger, settings, timers, terms)


def close(ledger: Ledger, settings: LetterSettings, timers: Timers, terms: Terms | None = None) -> None:
    """Seal: the letter gets its code, and its task is there for couriers."""
    code = new_code()
    ledger.move("sealed", ("sender",) if ledger.state.status == "draft" else ("house",), terms=terms, code=code)
    settled = ledger.state.terms
    task = Task(
        id=uuid7(), code=code, status="available", from_op=settled.from_op or "", to_op=settled.to_op or "",
        current_op=settled.from_op or "", priority=settled.priority, points=DELIVERY_POINTS, created_at=ledger.at,
        changed_at=ledger.at,
    )  # fmt: skip
    offer(ledger, task, settings, timers)


def offer(ledger: Ledger, task: Task, settings: LetterSettings, timers: Timers) -> None:
    """Tell couriers of a task that is new; the house chooses when nobody takes it."""
    ledger.tell(DeliveryOffered(at=ledger.at, letter_id=ledger.state.id, task_id=task.id, private=task))
    ledger.writes += expect_somebody(ledger, settings, timers)


def expect_somebody(ledger: Ledger, settings: LetterSettings, timers: Timers) -> list[Write]:
    """The writes that let the house choose a courier when nobody takes the task in time."""
    task, letter_id = ledger.task, ledger.state.id
    due_at = ledger.at + settings.patience(task.priority)
    return set_timer(timers, letter_id, task.id, AssignDue(letter_id=letter_id, task_id=task.id), due_at)


def set_timer(timers: Timers, letter_id: str, task_id: str, message: AssignDue, due_at: datetime) -> list[Write]:
    """The writes that set the timer of a choice anew."""
    timer = timer_id(task_id, "assign")
    return [timers.end(timer), timers.set(timer, KIND, letter_id, message, due_at)]


def recall(ledger: Ledger, timers: Timers) -> bool:
    """Let a letter that nobody has collected be a draft again. Return whether it was none. Raises `Conflict`."""
    state = ledger.state
    if state.sender_archived_at is not None:
        raise refusal("archived", "draft")
    if state.status == "scheduled":
        ledger.writes.append(timers.end(timer_id(state.id, "seal")))
    elif state.status == "sealed":
        cancel(ledger, timers)
    return ledger.move("draft", ("sender",), terms=_opened(state))


def cancel(ledger: Ledger, timers: Timers) -> None:
    """Take the task back from whoever has or might have had it; a label goes with it."""
    task, label = ledger.task, ledger.state.label
    if task.courier_id is not None and task.courier_level is not None:
        ledger.counts.append(release_write(task.courier_id, ledger.at))
    ledger.handle("cancelled", "cancelled", ("sender",), deadline=None)
    ledger.writes += [timers.end(timer_id(task.id, "assign")), timers.end(timer_id(task.id, "deadline"))]
    if label is not None:
        ledger.writes += label_moves(label, "cancelled", ledger.at)


def label_moves(label: str, to: str, at: datetime) -> list[Write]:
    """The writes that let a bound label follow its letter; where the table has no such move there are none."""
    return [Write(LABEL.follow_labels, (label, before, to, at)) for before in befores(LABELS, to, "house")]


def _check(state: LetterState, known: Record) -> None:
    terms = state.terms
    if not known["has_words"]:
        raise InvalidRequest("a letter holds words, or photos of pages", path="$.content")
    if terms.recipient_id == state.sender_id:
        raise InvalidRequest("a letter goes to somebody else", path="$.recipient")
    if terms.recipient_id is not None and not known["is_welcome"]:
        raise Forbidden("they are not there, or one of you has blocked the other")
    if (terms.from_op or known["sender_point"]) is None:
        raise InvalidRequest("from where? You hold no point that could be taken", path="$.from_op_code")
    if (terms.to_op or known["recipient_point"]) is None:
        raise InvalidRequest("where to? An OP code is needed", path="$.to_op_code")
    if terms.from_op is not None and not known["from_is_known"]:
        raise InvalidRequest(_unknown(terms.from_op), path="$.from_op_code")
    if terms.to_op is not None and not known["to_is_known"]:
        raise InvalidRequest(_unknown(terms.to_op), path="$.to_op_code")


def _settled(terms: Terms, known: Record) -> Terms:
    """Fill in what the rows know: where people are at home, and who is at home there."""
    terms = replace(terms, from_op=terms.from_op or known["sender_point"])
    if terms.to_op is None:
        return replace(terms, to_op=known["recipient_point"], hides_place=True)
    if terms.recipient_id is None and known["holder_id"] is not None:
        return replace(terms, recipient_id=known["holder_id"], hides_recipient=True)
    return terms


def _opened(state: LetterState) -> Terms:
    """Forget what was filled in when it was sealed; whom a reply answers stays."""
    terms = state.terms
    if state.kind == "reply":
        return terms
    if terms.hides_place:
        terms = replace(terms, to_op=None, hides_place=False)
    return replace(terms, recipient_id=None, hides_recipient=False) if terms.hides_recipient else terms


def _unknown(code: str) -> str:
    alike = " or ".join(lookalikes(code)[:4])
    return f"there is no point {code}" + (f"; was it {alike}?" if alike else "")
