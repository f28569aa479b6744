"""One school or area. Owned: this actor alone writes its row. Its stream is ``op_code:<code>``."""

from collections.abc import Sequence

from actors.authority import SCHOOL
from actors.errors import Conflict, Forbidden, InvalidRequest
from actors.messages.courier import Mandate
from actors.messages.op_code import OpenPlace, Place, PlaceOpened
from actors.runtime.actor import Decision, Entity, Snapshot, Turn, handles
from actors.runtime.message import Event
from storage import queries
from storage.courier import mandate_write
from storage.op_code import OpCodeStore
from storage.write import Write

Q = queries.load("op_code")


class PlaceOwner(Entity[Place]):
    """Opened once. Who may is checked by the service; on what that rests is looked at again in the turn."""

    kind = "op_code"

    def __init__(self, store: OpCodeStore) -> None:
        self._store = store

    async def load(self, key: str) -> Snapshot[Place] | None:
        """Read the row."""
        row = await self._store.get_place(key)
        if row is None:
            return None
        return Snapshot(Place(**{name: row[name] for name in Place.__struct_fields__}), row["n"])

    def apply(self, state: Place | None, event: Event) -> Place | None:
        """The only event tells all."""
        return event.place if isinstance(event, PlaceOpened) else state

    def save(self, key: str, state: Place | None, n: int) -> Sequence[Write]:
        """The place's row."""
        if state is None:
            return []
        if len(key) == SCHOOL:
            return [Write(Q.save_schools, (key, n, state.name, state.opened_by, state.opened_at))]
        unknown = InvalidRequest(f"the school {key[:SCHOOL]} is not open", "$.code")
        row = (key, key[:SCHOOL], n, state.name, state.opened_by, state.opened_at)
        return [Write(Q.save_areas, row, constraints={"op_area_school_fkey": unknown})]

    @handles
    def open(self, state: Place | None, message: OpenPlace, turn: Turn) -> Decision[Place]:
        """Conflict when it is open already."""
        if state is not None:
            raise Conflict(f"{state.code} is open already", code=state.code)
        place = Place(code=message.code, name=message.name, opened_by=turn.caller.user_id or "", opened_at=turn.now)
        return Decision(
            reply=place,
            events=[PlaceOpened(at=turn.now, place=place)],
            writes=resting_on(message.mandate),
            made=place.code,
        )


def resting_on(held: Mandate | None) -> list[Write]:
    """The write that refuses a turn whose decider is not that courier any more; none for administrators."""
    if held is None:
        return []
    lost = Forbidden("whoever decides this is no active courier of that level and territory any more")
    return [mandate_write(held.user_id, held.level, held.prefixes, lost)]
