"""The relay: a courier whose territory ends hands the paper to another. No status of the letter changes."""

from datetime import timedelta

from actors.authority import AREA, SCHOOL
from actors.carrier import Carrier
from actors.errors import Conflict, Forbidden
from actors.letter.carrying import Rules, expect_deadline, require_authority
from actors.letter.ledger import Ledger
from actors.messages.delivery import ScanEntry, Task
from storage.courier import move_write

_WITH_PAPER = {"collected", "in_transit"}


def hand_over(ledger: Ledger, entry: ScanEntry, giver: Carrier, taker: Carrier | None, rules: Rules) -> None:
    """Offer the paper to somebody (``taker``), or to whoever may take it; for 10 minutes.

    Raises:
        Conflict: there is no paper in hand.
        Forbidden: it is not theirs to give, or the taker's to get.
    """
    task = _paper(ledger)
    if task.courier_id != giver.user_id and not giver.is_admin:
        raise Forbidden("somebody else has this letter")
    require_authority(giver, entry.op_code, task.status, task.status)
    if taker is not None:
        check_crossing(giver, taker)
    until = ledger.at + timedelta(minutes=rules.settings.handover_minutes)
    ledger.handle(
        task.status, "handover_offered", note=entry.note or None, current_op=entry.op_code,
        offer_to=None if taker is None else taker.user_id, offer_until=until,
    )  # fmt: skip


def receive(ledger: Ledger, entry: ScanEntry, giver: Carrier, taker: Carrier, rules: Rules, by: Carrier) -> bool:
    """Let the taker have the paper; return whether they have not had it before.

    The taker receives it while the offer stands; a parent of either, or an administrator, may confirm it at any time
    where the offer names whom it is for. The turn is refused where the taker has no authority over pickup or target.

    Raises:
        Conflict: nothing is offered (any more).
        Forbidden: it is offered to somebody else, or the way between the two goes through others.
    """
    task = _paper(ledger)
    if task.courier_id == taker.user_id:
        return False
    if task.offer_until is None:
        raise Conflict("no hand-over is offered")
    if by.user_id == taker.user_id:
        if ledger.at > task.offer_until:
            raise Conflict("the hand-over was not received in time; offer it again")
        if task.offer_to not in {None, taker.user_id}:
            raise Forbidden("this hand-over is for somebody else")
    elif not (by.is_admin or by.user_id in {giver.parent_id, taker.parent_id}):
        raise Forbidden("a parent of one of the two confirms a hand-over")
    check_crossing(giver, taker)
    if not (giver.covers(entry.op_code) or by.covers(entry.op_code) or taker.covers(entry.op_code)):
        require_authority(by, entry.op_code, task.status, task.status)
    ledger.counts.append(move_write(giver.user_id, taker.user_id, task.from_op, task.to_op, ledger.at, _NOT_THEIRS))
    ledger.handle(
        task.status, "handed_over", note=entry.note or None, current_op=entry.op_code, courier_id=taker.user_id,
        courier_level=taker.level, deadline=ledger.at + rules.settings.deadline(task.priority), is_late=False,
        offer_to=None, offer_until=None,
    )  # fmt: skip
    ledger.writes += expect_deadline(ledger, rules)
    return True


def check_crossing(giver: Carrier, taker: Carrier) -> None:
    """From area to area paper goes through level 2, from school to school through level 3. Raises `Forbidden`."""
    if taker.level is None:
        raise Forbidden("the taker is no active courier")
    if giver.is_admin or not giver.prefixes:
        return
    if not _share(giver, taker, SCHOOL):
        least = 3
    elif not _share(giver, taker, AREA):
        least = 2
    else:
        return
    if min(giver.level or 0, taker.level) < least:
        what = "schools" if least == 3 else "areas"
        raise Forbidden(f"between {what} paper goes through level {least}")


def _share(giver: Carrier, taker: Carrier, length: int) -> bool:
    """Whether two territories have a school, or an area, in common; a territory of a school has all of its areas."""
    return any(
        one.startswith(other) or other.startswith(one)
        for one in (prefix[:length] for prefix in giver.prefixes)
        for other in (prefix[:length] for prefix in taker.prefixes)
    )


def _paper(ledger: Ledger) -> Task:
    task = ledger.task
    if task.status not in _WITH_PAPER:
        raise Conflict("only paper in hand is handed over", **{"from": task.status, "to": task.status})
    return task


_NOT_THEIRS = Forbidden("the taker has no authority over where it comes from or goes")
