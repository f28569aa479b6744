"""A letter and its delivery task: one actor owns both, and writes them in one turn, so that they cannot disagree.

Its stream ``letter:<id>`` is the channel of that name. What people do is decided by what they are to the letter; to
who is nothing to it there is no such letter.
"""

from collections.abc import Sequence

from actors.authority import may
from actors.carrier import Carrier
from actors.errors import Conflict, Forbidden, NotFound
from actors.letter import carrying, relaying, sealing, writing
from actors.letter.assigning import choose
from actors.letter.carrying import Rules, find_task
from actors.letter.ledger import Ledger
from actors.letter.settings import LetterSettings
from actors.letter.state import LetterState, fold, load_state, save_state, there
from actors.letter.timing import Timers, timer_id
from actors.messages.delivery import (
    Accept,
    Assign,
    AssignDue,
    DeadlinePassed,
    LoseCourier,
    Release,
    Scan,
    ScanResult,
)
from actors.messages.letter import (
    AmendLetter,
    Archive,
    Archived,
    BeginLetter,
    BindLetter,
    ConcernsCaller,
    DeleteLetter,
    LetterArchived,
    LetterDeleted,
    LetterLabelled,
    LoseSender,
    MarkRead,
    Recall,
    Restore,
    Seal,
    SealDue,
    Words,
)
from actors.moves import LETTER, Role, check, refusal
from actors.runtime.actor import Decision, Entity, Snapshot, Turn, handles
from actors.runtime.message import Event
from actors.scans import keep_scan
from storage import queries
from storage.courier import CourierStore
from storage.letter import LetterStore
from storage.write import Write

Q = queries.load("letter")
LABELS = queries.load("label")


class LetterOwner(Entity[LetterState]):
    """See the module."""

    kind = "letter"

    def __init__(self, store: LetterStore, couriers: CourierStore, timers: Timers, settings: LetterSettings) -> None:
        self._store = store
        self._couriers = couriers
        self._timers = timers
        self._settings = settings
        self._rules = Rules(settings, timers)

    async def load(self, key: str) -> Snapshot[LetterState] | None:
        """Read the letter and its task; None when there is no such letter (any more)."""
        row = await self._store.get_letter(key)
        return None if row is None else Snapshot(load_state(key, row), row["n"])

    def apply(self, state: LetterState | None, event: Event) -> LetterState | None:
        """See `actors.letter.state`."""
        return fold(state, event)

    def save(self, key: str, state: LetterState | None, n: int) -> Sequence[Write]:
        """Write the rows, or remove them."""
        return [Write(Q.delete_letters, (key,))] if state is None else save_state(state, n)

    @handles
    def begin(self, state: LetterState | None, message: BeginLetter, turn: Turn) -> Decision[None]:
        """Begin a draft."""
        if state is not None:
            raise Conflict("the letter is there already")
        event, writes = writing.begin(message, turn)
        return Decision(events=[event], writes=writes, made=message.letter_id)

    @handles
    async def amend(self, state: LetterState | None, message: AmendLetter, turn: Turn) -> Decision[None]:
        """Change what is named of a draft."""
        ledger = Ledger(_own(state, turn, "draft"), turn.now)
        words = await self._words(ledger.state, ledger.state.version)
        writing.amend(ledger, message, words, turn, self._settings.max_versions)
        return ledger.decision(None)

    @handles
    async def restore(self, state: LetterState | None, message: Restore, turn: Turn) -> Decision[None]:
        """Let the words be what they were; that is a new version."""
        ledger = Ledger(_own(state, turn, "draft"), turn.now)
        writing.require_draft(ledger.state)
        was, now = [await self._words(ledger.state, n) for n in (message.version, ledger.state.version)]
        if was != now:
            writing.change(ledger, ledger.state.terms, was, turn, self._settings.max_versions)
        return ledger.decision(None)

    @handles
    def delete(self, state: LetterState | None, message: DeleteLetter, turn: Turn) -> Decision[None]:
        """End a draft, an archived one too."""
        del message
        letter = _own(state, turn, "deleted")
        if letter.status != "draft":
            raise refusal(letter.status, "deleted")
        return self._gone(letter, turn)

    @handles
    async def seal(self, state: LetterState | None, message: Seal, turn: Turn) -> Decision[None]:
        """Seal now, or when the time comes."""
        ledger = Ledger(_own(state, turn, "sealed"), turn.now)
        if ledger.state.status not in {"sealed", "scheduled"}:
            sealing.seal(ledger, await self._store.get_sealing(message.letter_id), self._settings, self._timers)
        return ledger.decision(None)

    @handles
    def seal_due(self, state: LetterState | None, message: SealDue, turn: Turn) -> Decision[None]:
        """Seal what was scheduled, unless it is a draft again, or was put off."""
        if state is None or state.status != "scheduled":
            return Decision(writes=[self._timers.end(message.timer_id)])
        if state.terms.deliver_after is not None and state.terms.deliver_after > turn.now:
            return Decision()
        ledger = Ledger(state, turn.now)
        sealing.close(ledger, self._settings, self._timers)
        ledger.writes.append(self._timers.end(message.timer_id))
        return ledger.decision(None)

    @handles
    def recall(self, state: LetterState | None, message: Recall, turn: Turn) -> Decision[None]:
        """Make it a draft again."""
        del message
        ledger = Ledger(_own(state, turn, "draft"), turn.now)
        sealing.recall(ledger, self._timers)
        return ledger.decision(None)

    @handles
    def archive(self, state: LetterState | None, message: Archive, turn: Turn) -> Decision[None]:
        """Put it away for the one who asks; again changes nothing."""
        del message
        letter = there(state)
        user_id = turn.caller.user_id
        by = Archived(by_sender=user_id == letter.sender_id, by_recipient=is_recipient(letter, user_id))
        if not (by.by_sender or by.by_recipient):
            _refuse_stranger(letter, turn)
            raise refusal(letter.status, "archived", Forbidden)
        done = letter.sender_archived_at if by.by_sender else letter.recipient_archived_at
        if done is not None:
            return Decision()
        role: Role = "sender" if by.by_sender else "recipient"
        check(LETTER, letter.status, "archived", (role,))
        at = max(turn.now, letter.changed_at)
        return Decision(events=[LetterArchived(at=at, letter_id=letter.id, private=by)])

    @handles
    def concerns(self, state: LetterState | None, message: ConcernsCaller, turn: Turn) -> bool:
        """Whether the caller may listen."""
        del message
        if state is None or turn.caller.user_id is None:
            return False
        user_id, task = turn.caller.user_id, state.task
        if user_id == state.sender_id or is_recipient(state, user_id) or user_id in state.couriers:
            return True
        return task is not None and user_id in {task.courier_id, task.offer_to}

    @handles(joins=True)
    def mark_read(self, state: LetterState | None, message: MarkRead, turn: Turn) -> Decision[None]:
        """Count a reader, and let a delivered letter be read. Its sender reads nothing by looking at it.

        Many may join: the statement that counts takes a reader who comes twice once.
        """
        letter, user_id = there(state), turn.caller.user_id
        is_open = letter.in_transit_at is not None and (message.code == letter.code or is_recipient(letter, user_id))
        if letter.code is None or not is_open:
            raise NotFound("no such letter")
        if user_id is not None and user_id == letter.sender_id:
            return Decision()
        ledger = Ledger(letter, turn.now)
        if message.reader is not None:
            ledger.writes.append(Write(Q.count_readers, (letter.id, turn.now.date(), message.reader)))
        if letter.status == "delivered":
            ledger.move("read", ("recipient",) if is_recipient(letter, user_id) else ("reader",))
        return ledger.decision(None)

    @handles
    def bind(self, state: LetterState | None, message: BindLetter, turn: Turn) -> Decision[None]:
        """Let a label mean this letter. Refused where it means another one, or none any more."""
        letter = there(state)
        is_sender = turn.caller.user_id == letter.sender_id
        is_holder = letter.task is not None and letter.task.courier_id == turn.caller.user_id
        if not (is_sender or is_holder or turn.caller.is_admin):
            raise NotFound("no such letter")
        if letter.label == message.label:
            return Decision()
        if letter.label is not None or letter.status not in {"draft", "scheduled", "sealed"}:
            raise Conflict("the letter has a label" if letter.label else "a label is bound before it is collected")
        row = (message.label, letter.id, turn.now)
        taken = Conflict("the label is bound, cancelled or expired", to="bound")
        event = LetterLabelled(at=max(turn.now, letter.changed_at), letter_id=letter.id, label=message.label)
        return Decision(events=[event], writes=[Write(LABELS.bind_labels, row, expect=1, otherwise=taken)])

    @handles
    async def accept(self, state: LetterState | None, message: Accept, turn: Turn) -> Decision[None]:
        """Let the caller have the task."""
        carrier = await self._carrier(turn)
        find_task(state, message.task_id, carrier)
        ledger = Ledger(there(state), turn.now)
        carrying.accept(ledger, carrier, self._rules)
        return ledger.decision(None)

    @handles
    async def release(self, state: LetterState | None, message: Release, turn: Turn) -> Decision[None]:
        """Let the task go back to the pool."""
        carrier = await self._carrier(turn)
        find_task(state, message.task_id, carrier)
        ledger = Ledger(there(state), turn.now)
        carrying.release(ledger, self._rules, "released", carrying.roles_of(ledger.state, carrier))
        return ledger.decision(None)

    @handles
    async def assign(self, state: LetterState | None, message: Assign, turn: Turn) -> Decision[None]:
        """Give the task to somebody below the caller."""
        leader = await self._carrier(turn)
        task = find_task(state, message.task_id, leader)
        courier = await self._below(leader, message.courier_id, task.status)
        ledger = Ledger(there(state), turn.now)
        give = carrying.give_again if message.is_again else carrying.give
        give(ledger, courier, self._rules, "admin" if leader.is_admin else "leader", message.reason)
        return ledger.decision(None)

    @handles
    async def assign_due(self, state: LetterState | None, message: AssignDue, turn: Turn) -> Decision[None]:
        """Give what nobody has taken to whom it fits best; where there is nobody, look again later."""
        task = None if state is None else state.task
        if state is None or task is None or task.id != message.task_id or task.status != "available":
            return Decision(writes=[self._timers.end(timer_id(message.task_id, "assign"))])
        ledger = Ledger(state, turn.now)
        row = choose(await self._couriers.list_takers(task.current_op, task.to_op, turn.now), task.to_op)
        if row is None:
            due_at = turn.now + self._settings.patience("normal")
            ledger.writes += sealing.set_timer(self._timers, state.id, task.id, message, due_at)
        else:
            best = Carrier(row["user_id"], level=row["level"], prefixes=tuple(row["prefixes"]))
            carrying.give(ledger, best, self._rules, "house")
        return ledger.decision(None)

    @handles
    async def deadline_passed(self, state: LetterState | None, message: DeadlinePassed, turn: Turn) -> Decision[None]:
        """Do what is due long after a deadline."""
        if state is None or state.task is None or state.task.id != message.task_id or state.task.deadline is None:
            return Decision(writes=[self._timers.end(timer_id(message.task_id, "deadline"))])
        ledger = Ledger(state, turn.now)
        holder = await self._courier(state.task.courier_id or "")
        carrying.pass_deadline(ledger, self._rules, holder.parent_id)
        return ledger.decision(None)

    @handles
    def lose_courier(self, state: LetterState | None, message: LoseCourier, turn: Turn) -> Decision[None]:
        """Free a task that its courier has not collected. Who holds paper keeps it until a hand-over."""
        task = None if state is None else state.task
        if state is None or task is None or task.status != "accepted" or task.courier_id != message.user_id:
            return Decision()
        ledger = Ledger(state, turn.now)
        carrying.release(ledger, self._rules, "suspended", ("house",))
        return ledger.decision(None)

    @handles
    def lose_sender(self, state: LetterState | None, message: LoseSender, turn: Turn) -> Decision[None]:
        """Let go what nobody has collected."""
        del message
        if state is None or state.status not in {"draft", "scheduled", "sealed"}:
            return Decision()
        return self._gone(state, turn)

    @handles
    async def scan(self, state: LetterState | None, message: Scan, turn: Turn) -> Decision[ScanResult]:
        """Do what a scan says, and keep it. What is refused is kept by who has asked (`actors.delivery`)."""
        entry, by = message.entry, await self._carrier(turn)
        ledger = Ledger(there(state), turn.now)
        if entry.action in {"handover", "receive"}:
            is_new = await self._relay(ledger, message, by)
        else:
            is_new = carrying.scan(ledger, entry, by, self._rules)
        result: ScanResult = "applied" if is_new else "repeated"
        ledger.writes.append(keep_scan(by.user_id, message.letter_id, entry, turn.now, result=result))
        return ledger.decision(result)

    async def _relay(self, ledger: Ledger, message: Scan, by: Carrier) -> bool:
        entry = message.entry
        if entry.action == "handover":
            taker = None if entry.to is None else await self._courier(entry.to)
            relaying.hand_over(ledger, entry, by, taker, self._rules)
            return True
        task = ledger.task
        giver = await self._courier(task.courier_id or "")
        named = entry.to or task.offer_to or by.user_id
        taker = by if named == by.user_id else await self._courier(named)
        return relaying.receive(ledger, entry, giver, taker, self._rules, by)

    async def _carrier(self, turn: Turn) -> Carrier:
        """Who acts."""
        user_id = turn.caller.user_id or ""
        return Carrier.of(user_id, await self._couriers.get_courier(user_id), is_admin=turn.caller.is_admin)

    async def _courier(self, user_id: str) -> Carrier:
        """Somebody else."""
        return Carrier.of(user_id, await self._couriers.get_courier(user_id) if user_id else None)

    async def _below(self, leader: Carrier, courier_id: str, before: str) -> Carrier:
        """Somebody to whom a task may be given. Raises `NotFound`, `Forbidden`."""
        if not leader.is_admin:
            if not may(leader.level, "assign"):
                raise refusal(before, "accepted", Forbidden, "couriers of level 2 and above assign")
            if not await self._store.is_below(leader.user_id, courier_id):
                raise refusal(before, "accepted", Forbidden, "they are not below you")
        courier = await self._courier(courier_id)
        if courier.level is None:
            raise NotFound("no such courier")
        return courier

    async def _words(self, state: LetterState, version: int) -> Words:
        row = await self._store.get_version(state.id, version)
        if row is None:
            raise NotFound("no such version")
        return writing.read_words(row)

    def _gone(self, letter: LetterState, turn: Turn) -> Decision[None]:
        """End a letter that nobody has collected, with its task, label and timers."""
        ledger = Ledger(letter, turn.now)
        if letter.status == "sealed":
            sealing.cancel(ledger, self._timers)
        elif letter.label is not None:
            ledger.writes += sealing.label_moves(letter.label, "cancelled", turn.now)
        ledger.writes.append(self._timers.end(timer_id(letter.id, "seal")))
        ledger.tell(LetterDeleted(at=ledger.at, letter_id=letter.id))
        return ledger.decision(None)


def is_recipient(letter: LetterState, user_id: str | None) -> bool:
    """Whether somebody is the recipient, and knows of it: from the first collection on."""
    return user_id is not None and user_id == letter.terms.recipient_id and letter.collected_at is not None


def _own(state: LetterState | None, turn: Turn, to: str) -> LetterState:
    """The caller's letter, which they want to be ``to``.

    Raises:
        NotFound: it is somebody else's, who need not know of it.
        Forbidden: it is somebody else's, who does (``from``, ``to``).
    """
    letter = there(state)
    if turn.caller.user_id is not None and turn.caller.user_id == letter.sender_id:
        return letter
    _refuse_stranger(letter, turn)
    raise refusal(letter.status, to, Forbidden)


def _refuse_stranger(letter: LetterState, turn: Turn) -> None:
    """Raise `NotFound` for whom there is no such letter."""
    if not (is_recipient(letter, turn.caller.user_id) or turn.caller.is_admin):
        raise NotFound("no such letter")
