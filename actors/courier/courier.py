"""One courier. Owned: this actor alone writes the courier's row and applications. Its stream is ``courier:<user id>``.

Each event holds the whole of them, so the first one needs nothing before it. What couriers carry and have earned is
shared (`storage.courier`). Who decides is checked by the services; what their decision rests on is checked again by the
turn, under one lock for the tree of all couriers.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from actors.courier.moves import APPLICATION, COURIER, PROMOTION, require
from actors.courier.rows import read_state, save_state, under
from actors.errors import Conflict, NotFound
from actors.messages.courier import (
    Amend,
    Application,
    Appoint,
    CourierApplied,
    CourierAppointed,
    CourierChanged,
    CourierEvent,
    CourierPromoted,
    CourierRejected,
    CourierResumed,
    CourierState,
    CourierSuspended,
    CourierTransferred,
    DecideApplication,
    FileApplication,
    SetStanding,
)
from actors.moves import refusal
from actors.runtime.actor import Decision, Entity, Snapshot, Turn, handles
from actors.runtime.message import Event
from storage import queries
from storage.courier import CourierStore
from storage.write import Write

Q = queries.load("courier")
_AMENDED = ("prefixes", "max_daily_tasks", "weekly_hours", "transport", "time_slots", "parent_id")


class CourierOwner(Entity[CourierState]):
    """See the module."""

    kind = "courier"

    def __init__(self, store: CourierStore) -> None:
        self._store = store

    async def load(self, key: str) -> Snapshot[CourierState] | None:
        """Read the row, with the last application."""
        row = await self._store.get_state(key)
        return None if row is None else Snapshot(read_state(row), row["n"])

    def apply(self, state: CourierState | None, event: Event) -> CourierState | None:
        """Every event tells all."""
        return event.courier if isinstance(event, CourierEvent) else state

    def save(self, key: str, state: CourierState | None, n: int) -> Sequence[Write]:
        """The courier's row and last application; refused where those above and below do not fit around them."""
        del key
        return [] if state is None else save_state(state, n)

    @handles
    def file(self, state: CourierState | None, message: FileApplication, turn: Turn) -> Decision[Application]:
        """Keep an application, or admit whoever asks for little while their building has a free place."""
        asked = message.application
        if asked.kind == "promotion":
            return self._file_promotion(_there(state), asked, turn)
        from_ = "none" if state is None else state.status
        if message.places is None:
            require(COURIER, "apply", from_)
            applied = CourierApplied(**_told(_applicant(state, asked), turn))
            return Decision(reply=asked, events=[applied], writes=under(), made=asked.id)
        require(COURIER, "admit", from_)
        admitted = replace(asked, status="approved", decided_at=turn.now)
        courier = _begin(_applicant(state, admitted), turn, message.parent_id)
        full = Conflict("the building has no free place", places=message.places)
        place = Write(Q.take_places, (asked.user_id, asked.prefixes[0][:4], message.places), expect=1, otherwise=full)
        event = CourierAppointed(**_told(courier, turn, by=None))
        return Decision(reply=admitted, events=[event], writes=[*under(), place], made=asked.id)

    @handles
    def decide(
        self, state: CourierState | None, message: DecideApplication, turn: Turn
    ) -> Application | Decision[Application]:
        """Approve or reject the application that waits. The same decision again changes nothing."""
        courier = _there(state)
        waiting = courier.application
        if waiting is None or waiting.id != message.application_id:
            raise NotFound("no such application")
        move = "approve" if message.approve else "reject"
        if waiting.status == f"{move.removesuffix('e')}ed":
            return waiting
        require(APPLICATION, move, waiting.status)
        decided = replace(
            waiting, status="approved" if message.approve else "rejected", note=message.note,
            decided_by=turn.caller.user_id, decided_at=turn.now,
        )  # fmt: skip
        if not message.approve:
            event: CourierEvent = self._reject(courier, decided, turn)
        elif decided.kind == "entry":
            event = self._admit(courier, decided, message, turn)
        else:
            event = self._promote(courier, decided, message, turn)
        return Decision(reply=event.courier.application, events=[event], writes=under(message.mandate))

    @handles
    def appoint(self, state: CourierState | None, message: Appoint, turn: Turn) -> Decision[None]:
        """Be a courier from now on, whatever was asked for before."""
        require(COURIER, "appoint", "none" if state is None else state.status)
        waiting = None if state is None else state.application
        if waiting is not None and waiting.status == "pending":
            waiting = replace(waiting, status="approved", decided_by=turn.caller.user_id, decided_at=turn.now)
        courier = CourierState(
            user_id=message.user_id, level=message.level, prefixes=message.prefixes, status="active",
            max_daily_tasks=message.max_daily_tasks, weekly_hours=message.weekly_hours, transport=message.transport,
            time_slots=message.time_slots, created_at=turn.now if state is None else state.created_at,
            since=None if state is None else state.since, application=waiting,
        )  # fmt: skip
        event = CourierAppointed(**_told(_begin(courier, turn, message.parent_id), turn))
        return Decision(events=[event], writes=under(message.mandate), made=message.user_id)

    @handles
    def amend(self, state: CourierState | None, message: Amend, turn: Turn) -> Decision[None] | None:
        """Change what is named of one who works; what it is already costs no event."""
        courier = _at_work(state)
        named = {name: value for name in _AMENDED if (value := getattr(message, name)) is not UNSET}
        changed = replace(courier, **named)
        if changed == courier:
            return None
        event: CourierEvent
        if message.parent_id is UNSET:
            event = CourierChanged(**_told(changed, turn), was=courier.prefixes)
        else:
            event = CourierTransferred(**_told(changed, turn), was=courier.parent_id, reason=message.reason)
        return Decision(events=[event], writes=under(*message.mandates))

    @handles
    def set_standing(self, state: CourierState | None, message: SetStanding, turn: Turn) -> Decision[None] | None:
        """Suspend or resume. The same again changes nothing."""
        courier = _there(state)
        if message.status == courier.status:
            return None
        require(COURIER, "suspend" if message.status == "suspended" else "resume", courier.status)
        told = _told(replace(courier, status=message.status), turn)
        suspends = message.status == "suspended"
        event = CourierSuspended(**told, reason=message.reason) if suspends else CourierResumed(**told)
        return Decision(events=[event], writes=under(message.mandate))

    def _file_promotion(self, courier: CourierState, asked: Application, turn: Turn) -> Decision[Application]:
        _require_active(courier)
        require(PROMOTION, "promote", str(courier.level))
        if courier.application is not None and courier.application.status == "pending":
            waiting = courier.application.id
            raise refusal("pending", "pending", why="an application waits already", application_id=waiting)
        event = CourierApplied(**_told(replace(courier, application=asked), turn))
        return Decision(reply=asked, events=[event], writes=under(), made=asked.id)

    def _reject(self, courier: CourierState, decided: Application, turn: Turn) -> CourierEvent:
        if decided.kind == "entry":
            require(COURIER, "reject", courier.status)
            courier = replace(courier, status="rejected")
        return CourierRejected(**_told(replace(courier, application=decided), turn), reason=decided.note)

    def _admit(
        self, courier: CourierState, decided: Application, message: DecideApplication, turn: Turn
    ) -> CourierEvent:
        require(COURIER, "approve", courier.status)
        admitted = replace(_applicant(courier, decided), prefixes=message.prefixes)
        return CourierAppointed(**_told(_begin(admitted, turn, message.parent_id), turn))

    def _promote(
        self, courier: CourierState, decided: Application, message: DecideApplication, turn: Turn
    ) -> CourierEvent:
        _require_active(courier)
        require(PROMOTION, "promote", str(courier.level))
        promoted = replace(
            courier, level=decided.level, prefixes=message.prefixes, parent_id=message.parent_id, level_since=turn.now,
            application=decided,
        )  # fmt: skip
        return CourierPromoted(**_told(promoted, turn), was=courier.level)


def _there(state: CourierState | None) -> CourierState:
    if state is None:
        raise NotFound("no such courier")
    return state


def _at_work(state: CourierState | None) -> CourierState:
    courier = _there(state)
    if courier.status not in {"active", "suspended"}:
        raise Conflict(f"a courier who is {courier.status} cannot be changed", status=courier.status)
    return courier


def _require_active(courier: CourierState) -> None:
    if courier.status != "active":
        why, level = f"a courier who is {courier.status} cannot be promoted", courier.level
        raise refusal(str(level), str(level + 1), why=why, status=courier.status)


def _applicant(state: CourierState | None, asked: Application) -> CourierState:
    """Whoever asks, as they would like to be."""
    return CourierState(
        user_id=asked.user_id, level=asked.level, prefixes=asked.prefixes, status="pending",
        max_daily_tasks=asked.max_daily_tasks, weekly_hours=asked.weekly_hours, transport=asked.transport,
        time_slots=asked.time_slots, created_at=asked.created_at if state is None else state.created_at,
        since=None if state is None else state.since, application=asked,
    )  # fmt: skip


def _begin(courier: CourierState, turn: Turn, parent_id: str | None) -> CourierState:
    return replace(courier, status="active", parent_id=parent_id, since=courier.since or turn.now, level_since=turn.now)


def _told(courier: CourierState, turn: Turn, by: str | msgspec.UnsetType | None = UNSET) -> dict[str, Any]:
    """What every event of a courier says."""
    decided_by = turn.caller.user_id if by is UNSET else by
    return {"at": turn.now, "user_id": courier.user_id, "by": decided_by, "courier": courier}
