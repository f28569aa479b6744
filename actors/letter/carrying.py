"""Tasks and scans: who takes a letter, carries it, hands it over, and what each scan does to both its states."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from actors.authority import masked
from actors.carrier import Carrier
from actors.errors import Conflict, Forbidden, NotFound
from actors.letter.ledger import Ledger
from actors.letter.sealing import expect_somebody, label_moves
from actors.letter.settings import LetterSettings
from actors.letter.state import LetterState
from actors.letter.timing import KIND, Timers, timer_id
from actors.messages.delivery import DeadlinePassed, ScanEntry, Task
from actors.moves import LETTER, TASK, Role, check, open_to, refusal, status_after
from storage.courier import accept_write, deliver_write, fail_write, late_write, overdue_write, release_write
from storage.write import Write

_ON_THE_WAY = ("available", "accepted", "collected", "in_transit", "delivered")


class Rules(NamedTuple):
    """What the turns of a task need beside it."""

    settings: LetterSettings
    timers: Timers


def roles_of(state: LetterState, carrier: Carrier) -> list[Role]:
    """What somebody is to a letter's task."""
    task, roles = state.task, list[Role]()
    if carrier.is_admin:
        roles.append("admin")
    if task is not None and task.courier_id == carrier.user_id:
        roles.append("holder")
    if carrier.level is not None and task is not None and task.courier_id is None:
        roles.append("courier")
    return roles


def find_task(state: LetterState | None, task_id: str, carrier: Carrier) -> Task:
    """Return the task. Raises `NotFound` where there is none, or it does not concern who asks."""
    task = None if state is None else state.task
    if task is None or task.id != task_id or not concerns(task, carrier):
        raise NotFound("no such task")
    return task


def concerns(task: Task, carrier: Carrier) -> bool:
    """Whether somebody may know of a task."""
    return carrier.may_know((task.courier_id, task.offer_to), (task.from_op, task.to_op, task.current_op))


def accept(ledger: Ledger, carrier: Carrier, rules: Rules) -> bool:
    """Let a courier take the task; return whether they have not had it before.

    The turn is refused (`Forbidden`) when their rating, territory or day does not allow it. Raises `Conflict`.
    """
    task = ledger.task
    if task.status == "accepted" and task.courier_id == carrier.user_id:
        return False
    if task.status == "accepted":
        raise refusal("accepted", "accepted")
    roles: list[Role] = [] if carrier.level is None else ["courier"]
    check(TASK, task.status, "accepted", roles)
    _take(ledger, carrier, rules, "accepted", ("courier",))
    return True


def give(ledger: Ledger, carrier: Carrier, rules: Rules, role: Role, note: str | None = None) -> None:
    """Let a courier get the task: by hand, or because the house has chosen. Raises `Conflict`."""
    task = ledger.task
    if task.status == "failed" and role == "admin":
        ledger.handle("available", "released", (role,), courier_id=None, courier_level=None)
    check(TASK, ledger.task.status, "accepted", (role,))
    if task.status == "accepted":
        raise refusal("accepted", "accepted")
    _take(ledger, carrier, rules, "assigned", (role,), note)


def give_again(ledger: Ledger, carrier: Carrier, rules: Rules, role: Role, note: str | None) -> None:
    """Let another courier have a task that one has accepted. Raises `Conflict`: it is not, or theirs already."""
    task = ledger.task
    if task.status != "accepted" or task.courier_id == carrier.user_id:
        raise refusal(task.status, "accepted")
    _count(ledger, release_write)
    _take(ledger, carrier, rules, "reassigned", (role,), note)


def release(ledger: Ledger, rules: Rules, step: str, roles: Sequence[Role]) -> None:
    """Let the task go back to the pool. Raises `Conflict`, `Forbidden`."""
    task = ledger.task
    if not check(TASK, task.status, "available", roles):
        raise refusal(task.status, "available")
    if task.status == "accepted":
        _count(ledger, late_write if step == "timed_out" else release_write)
    ledger.handle("available", step, roles, **_FREE)
    ledger.writes += [rules.timers.end(timer_id(task.id, "deadline")), *expect_somebody(ledger, *rules)]


def pass_deadline(ledger: Ledger, rules: Rules, parent_id: str | None) -> None:
    """Do what is due when a deadline is long past: free the task, or, where paper is held, tell who stands above.

    The rating hears of it now, and once: what becomes of the paper later is counted as at any other time.
    """
    task = ledger.task
    if task.deadline is None or ledger.at < task.deadline + timedelta(hours=rules.settings.release_hours):
        return
    if task.status == "accepted":
        release(ledger, rules, "timed_out", ("house",))
    elif task.status in {"collected", "in_transit"} and not task.is_late:
        _count(ledger, overdue_write)
        ledger.handle(task.status, "overdue", is_late=True, parent_id=parent_id)
        ledger.writes.append(rules.timers.end(timer_id(task.id, "deadline")))


def scan(ledger: Ledger, entry: ScanEntry, carrier: Carrier, rules: Rules) -> bool:
    """Move the letter as a scan wants; return whether anything is new.

    Raises:
        Conflict: no such move from here; it is the wrong door.
        Forbidden: it is somebody else's task, or not their territory.
    """
    state, to = ledger.state, str(status_after(entry.action))
    if state.status == to:
        if carrier.is_admin or carrier.user_id in {ledger.task.courier_id, *state.couriers}:
            return False
        raise refusal(to, to, Forbidden)
    roles = roles_of(state, carrier)
    check(LETTER, state.status, to, roles)
    task = ledger.task
    require_authority(carrier, entry.op_code, state.status, to)
    if to == "delivered" and entry.op_code != task.to_op:
        raise Conflict("this letter goes to another door", **{"from": state.status, "to": to})
    if to == "failed":
        _fail(ledger, entry, roles, rules)
    else:
        _carry(ledger, to, entry, carrier, roles, rules)
    return True


def require_authority(carrier: Carrier, place: str, before: str, after: str) -> None:
    """Raise `Forbidden` unless a place lies in the territory of who would move something there."""
    if not carrier.covers(place):
        raise refusal(before, after, Forbidden, f"{masked(place)} is not in your territory")


def _carry(ledger: Ledger, to: str, entry: ScanEntry, carrier: Carrier, roles: Sequence[Role], rules: Rules) -> None:
    """Move on: the task takes every step that lies between."""
    task, place = ledger.task, entry.op_code
    if task.status == "failed":  # no attempt is left to couriers: an administrator decides
        if not open_to(TASK, "failed", roles):
            raise refusal(ledger.state.status, to, Forbidden, "too many attempts have failed: an administrator decides")
        ledger.handle("available", "released", roles, **_FREE)
    if ledger.task.status == "available":
        _take(ledger, carrier, rules, "accepted", roles)
    first, last = _ON_THE_WAY.index(ledger.task.status), _ON_THE_WAY.index(to)
    holding: list[Role] = [*roles, "holder"] if ledger.task.courier_id == carrier.user_id else [*roles]
    for status in _ON_THE_WAY[first + 1 : last + 1]:
        ledger.handle(status, status, holding, note=entry.note or None, current_op=place, **_NO_OFFER)
    ledger.move(to, roles, place=place, courier_id=ledger.task.courier_id, note=entry.note or None)
    if to == "delivered":
        _end(ledger, rules, deliver_write)
    follow_label(ledger, to)


def _fail(ledger: Ledger, entry: ScanEntry, roles: Sequence[Role], rules: Rules) -> None:
    """The attempt has failed; the next one is open to couriers, unless there were too many."""
    task = ledger.task
    note, place = entry.note or None, entry.op_code
    _end(ledger, rules, fail_write)
    attempts = task.attempts + 1
    ledger.handle("failed", "failed", roles, note=note, current_op=place, attempts=attempts, **_NO_OFFER)
    ledger.move("failed", roles, place=place, courier_id=task.courier_id, note=note)
    if attempts < rules.settings.max_attempts:
        ledger.handle("available", "available", ("house",), **_FREE)
        ledger.writes += expect_somebody(ledger, *rules)


def _take(
    ledger: Ledger, carrier: Carrier, rules: Rules, step: str, roles: Sequence[Role], note: str | None = None
) -> None:
    """Let somebody have the task. Administrators who are no couriers have no day and no territory."""
    task, settings = ledger.task, rules.settings
    deadline = ledger.at + settings.deadline(task.priority)
    if carrier.level is not None:
        may_not = refusal(task.status, "accepted", Forbidden, _MAY_NOT)
        ledger.counts.append(accept_write(carrier.user_id, task.current_op, task.to_op, ledger.at, may_not))
    ledger.handle(
        "accepted", step, roles, note=note, courier_id=carrier.user_id, courier_level=carrier.level, deadline=deadline,
        is_late=False, **_NO_OFFER,
    )  # fmt: skip
    ledger.writes.append(rules.timers.end(timer_id(task.id, "assign")))
    ledger.writes += expect_deadline(ledger, rules)


def expect_deadline(ledger: Ledger, rules: Rules) -> list[Write]:
    """The writes that have the house look at the task when its deadline is long past."""
    task, letter_id = ledger.task, ledger.state.id
    timer, due_at = timer_id(task.id, "deadline"), _long_past(task.deadline, rules)
    message = DeadlinePassed(letter_id=letter_id, task_id=task.id)
    return [rules.timers.end(timer), rules.timers.set(timer, KIND, letter_id, message, due_at)]


def _long_past(deadline: datetime | None, rules: Rules) -> datetime:
    assert deadline is not None  # noqa: S101 - who takes a task gets one
    return deadline + timedelta(hours=rules.settings.release_hours)


def _end(ledger: Ledger, rules: Rules, count: Callable[[str, datetime], Write]) -> None:
    """Count the end of a task for its courier, and wait for it no longer."""
    _count(ledger, count)
    ledger.writes.append(rules.timers.end(timer_id(ledger.task.id, "deadline")))


def _count(ledger: Ledger, count: Callable[[str, datetime], Write]) -> None:
    """Count something for whoever holds the task. Administrators who are no couriers are not counted."""
    task = ledger.task
    if task.courier_id is not None and task.courier_level is not None:
        ledger.counts.append(count(task.courier_id, ledger.at))


def follow_label(ledger: Ledger, to: str) -> None:
    """Let the letter's label have the status that goes with the letter's."""
    if ledger.state.label is not None:
        ledger.writes += label_moves(ledger.state.label, to, ledger.at)


_NO_OFFER: dict[str, Any] = {"offer_to": None, "offer_until": None}
_FREE: dict[str, Any] = {"courier_id": None, "courier_level": None, "deadline": None, "is_late": False, **_NO_OFFER}
_MAY_NOT = "not in your territory, rated below 3.0, not active, or as many tasks today as a day has"
