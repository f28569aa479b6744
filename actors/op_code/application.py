"""One application for a point, and the point once it was given. Owned; stream ``op_application:<id>``."""

from collections.abc import Sequence

from msgspec.structs import replace

from actors.errors import Conflict, InvalidRequest, NotFound
from actors.messages.op_code import (
    DecidePoint,
    FilePoint,
    PointApplication,
    PointApplied,
    PointEvent,
    PointGiven,
    PointRefused,
    PointReleased,
)
from actors.op_code.moves import require
from actors.op_code.place import resting_on
from actors.runtime.actor import Decision, Entity, Snapshot, Turn, handles
from actors.runtime.message import Event
from storage import queries
from storage.op_code import OpCodeStore
from storage.postgres import Record
from storage.write import Write

Q = queries.load("op_code")
_EVENTS: dict[str, type[PointEvent]] = {"approved": PointGiven, "rejected": PointRefused, "released": PointReleased}


def read_application(row: Record) -> PointApplication:
    """Make an application from its row."""
    return PointApplication(**{name: row[name] for name in PointApplication.__struct_fields__})


class PointOwner(Entity[PointApplication]):
    """That a code has one holder is a constraint of the table: of two who give it at once, one is refused."""

    kind = "op_application"

    def __init__(self, store: OpCodeStore) -> None:
        self._store = store

    async def load(self, key: str) -> Snapshot[PointApplication] | None:
        """Read the row."""
        row = await self._store.get_application(key)
        return None if row is None else Snapshot(read_application(row), row["n"])

    def apply(self, state: PointApplication | None, event: Event) -> PointApplication | None:
        """Every event tells all."""
        return event.application if isinstance(event, PointEvent) else state

    def save(self, key: str, state: PointApplication | None, n: int) -> Sequence[Write]:
        """The application's row."""
        if state is None:
            return []
        row = (
            key, n, state.user_id, state.area, state.type, state.name, state.address, state.reason, state.is_public,
            state.status, state.code, state.note, state.decided_by, state.decided_at, state.created_at,
        )  # fmt: skip
        constraints = {
            "op_application_code_key": Conflict(f"{state.code} has a holder", taken=state.code),
            "op_application_area_fkey": InvalidRequest(f"the area {state.area} is not open", "$.area"),
            "op_application_user_id_fkey": NotFound("no such user"),
        }
        return [Write(Q.save_applications, row, constraints=constraints)]

    @handles
    def file(
        self, state: PointApplication | None, message: FilePoint, turn: Turn
    ) -> PointApplication | Decision[PointApplication]:
        """Keep the application."""
        if state is not None:
            return state
        asked = message.application
        return Decision(reply=asked, events=[PointApplied(at=turn.now, application=asked)], made=asked.id)

    @handles
    def decide(
        self, state: PointApplication | None, message: DecidePoint, turn: Turn
    ) -> PointApplication | Decision[PointApplication]:
        """Approve, reject or release. The same again changes nothing."""
        if state is None:
            raise NotFound("no such application")
        if state.status == message.status and message.code in {None, state.code}:
            return state
        require(state.status, message.status)
        decided = replace(
            state, status=message.status, code=message.code or state.code, note=message.note,
            decided_by=turn.caller.user_id, decided_at=turn.now,
        )  # fmt: skip
        event = _EVENTS[message.status](at=turn.now, application=decided)
        return Decision(reply=decided, events=[event], writes=resting_on(message.mandate))
