"""A courier's rows, and the lock under which the tree of all couriers changes."""

from typing import Any

import msgspec

from actors.errors import Conflict, Forbidden, NotFound
from actors.messages.courier import Application, CourierState, Mandate, TimeSlot
from storage import queries
from storage.courier import mandate_write
from storage.postgres import Record
from storage.write import Write

Q = queries.load("courier")
_DECODE_SLOTS = msgspec.json.Decoder(list[TimeSlot]).decode
_JSON = msgspec.json.Encoder()


def read_slots(text: str) -> list[TimeSlot]:
    """Times of the week from their column."""
    return _DECODE_SLOTS(text)


def read_state(row: Record) -> CourierState:
    """Make a courier's state from its row, which has the last application's columns as ``a_<name>``."""
    fields: dict[str, Any] = {name: row[name] for name in CourierState.__struct_fields__ if name != "application"}
    application = None if row["a_id"] is None else read_application(row, "a_")
    return CourierState(**{**fields, "time_slots": read_slots(row["time_slots"]), "application": application})


def read_application(row: Record, before: str = "") -> Application:
    """Make an application from its row; ``before`` stands before the names of its columns."""
    fields: dict[str, Any] = {name: row[f"{before}{name}"] for name in Application.__struct_fields__}
    return Application(**{**fields, "time_slots": read_slots(fields["time_slots"])})


def save_state(state: CourierState, n: int) -> list[Write]:
    """The writes that make the rows equal to the state, and then look at the tree around the courier."""
    row = (
        state.user_id, n, state.level, _json(state.prefixes), state.parent_id, state.status, state.max_daily_tasks,
        state.weekly_hours, state.transport, _json(state.time_slots), state.since, state.level_since,
        state.created_at,
    )  # fmt: skip
    gone = {"courier_user_id_fkey": NotFound("no such user")}
    unsound = Conflict("those above or below the courier do not fit around this: their territory or level is another")
    writes = [Write(Q.save_couriers, row, constraints=gone)]
    if state.application is not None:
        writes.append(_save_application(state.application))
    return [*writes, Write(Q.check_couriers, (state.user_id,), expect=1, otherwise=unsound)]


def under(*mandates: Mandate | None) -> list[Write]:
    """The writes with which every turn of a courier begins: the tree's lock, then what the decision rests on."""
    lost = Forbidden("whoever decides this is no active courier of that level and territory any more")
    return [
        Write(Q.lock_couriers, ()),
        *(mandate_write(held.user_id, held.level, held.prefixes, lost) for held in mandates if held is not None),
    ]


def _save_application(asked: Application) -> Write:
    row = (
        asked.id, asked.user_id, asked.kind, asked.level, _json(asked.prefixes), asked.max_daily_tasks,
        asked.weekly_hours, asked.transport, _json(asked.time_slots), asked.reason, asked.status, asked.note,
        asked.decided_by, asked.decided_at, asked.created_at,
    )  # fmt: skip
    return Write(Q.save_applications, row)


def _json(value: Any) -> str:
    return _JSON.encode(value).decode()
