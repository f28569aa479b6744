"""The service for places: schools and areas that are opened, and what a code stands for."""

from collections.abc import Callable
from typing import Any

from actors.authority import AREA, POINT, SCHOOL, Ability, covers, lookalikes, masked, may, normalise
from actors.cursors import decode_cursor, page_of
from actors.errors import Forbidden, InvalidRequest, NotFound
from actors.messages.courier import Mandate
from actors.messages.fields import Page
from actors.messages.op_code import (
    GetOpCode,
    ListAreas,
    ListSchools,
    OpCode,
    OpenArea,
    OpenPlace,
    OpenSchool,
    Place,
    PlaceKind,
    ShowPlace,
)
from actors.messages.user import PublicUser
from actors.runtime.actor import Ref, Service, Turn, handles
from actors.runtime.message import Caller
from storage.courier import CourierStore
from storage.op_code import OpCodeStore
from storage.postgres import Record


def code_in_path(text: str, *lengths: int) -> str:
    """Read a code that is a part of an address; one that cannot be any names nothing (`NotFound`), and says why."""
    try:
        return normalise(text, lengths, "$.code")
    except InvalidRequest as error:
        raise NotFound(error.detail) from None


class Territory:
    """What the caller may do where, as a courier."""

    def __init__(self, couriers: CourierStore) -> None:
        self._couriers = couriers

    async def of(self, caller: Caller, ability: Ability) -> Record | None:
        """The caller as an active courier of a level that may do this; None: they are none."""
        row = None if caller.user_id is None else await self._couriers.get_courier(caller.user_id)
        return row if row is not None and row["status"] == "active" and may(row["level"], ability) else None

    async def require(self, caller: Caller, ability: Ability, code: str, level: int) -> Mandate | None:
        """On what the caller's decision about a code rests; None for administrators. Raises `Forbidden`."""
        if caller.is_admin:
            return None
        own = await self.of(caller, ability)
        if own is None:
            raise Forbidden(f"this is for couriers of level {level} and above")
        if not covers(own["prefixes"], code):
            raise Forbidden("this is outside your territory")
        return Mandate(user_id=own["user_id"], level=level, prefixes=[code])


class OpCodes(Service):
    """Schools, areas and public points are known to everybody.

    Other points are whole for their holder, couriers with authority, and administrators; masked for strangers.
    """

    kind = "op_codes"
    asks = frozenset({"op_code"})
    concurrency = 32

    def __init__(self, store: OpCodeStore, couriers: CourierStore, ref: Callable[[str, str], Ref]) -> None:
        self._store = store
        self._territory = Territory(couriers)
        self._ref = ref

    @handles
    async def open_school(self, message: OpenSchool, turn: Turn) -> Place:
        """By level 4."""
        return await self._open(normalise(message.code, (SCHOOL,), "$.code"), message.name, "open_schools", 4, turn)

    @handles
    async def open_area(self, message: OpenArea, turn: Turn) -> Place:
        """By level 3 or above."""
        return await self._open(normalise(message.code, (AREA,), "$.code"), message.name, "open_areas", 3, turn)

    @handles
    async def show_place(self, message: ShowPlace, turn: Turn) -> Place:
        """A school or an area."""
        del turn
        row = await self._store.get_place(message.code)
        if row is None:
            raise NotFound("no such place")
        return _place(row)

    @handles
    async def list_schools(self, message: ListSchools, turn: Turn) -> Page[Place]:
        """Schools by code."""
        del turn
        after = decode_cursor(message.cursor, str)
        rows = await self._store.list_schools(after, message.limit + 1)
        return page_of(rows, message.limit, _place, lambda row: row["code"])

    @handles
    async def list_areas(self, message: ListAreas, turn: Turn) -> Page[Place]:
        """Areas by code."""
        del turn
        school, after = normalise(message.school, (SCHOOL,), "$.school"), decode_cursor(message.cursor, str)
        rows = await self._store.list_areas(school, after, message.limit + 1)
        return page_of(rows, message.limit, _place, lambda row: row["code"])

    @handles
    async def get(self, message: GetOpCode, turn: Turn) -> OpCode:
        """What a code stands for. An unknown one may have been misread: then the answer says as what."""
        code = code_in_path(message.code, SCHOOL, AREA, POINT)
        if len(code) == POINT:
            return await self._point(code, turn.caller)
        names = await self._store.get_names(code)
        if names is None or (len(code) == AREA and names["area_name"] is None):
            raise await self._unknown(code)
        kind: PlaceKind = "school" if len(code) == SCHOOL else "area"
        return OpCode(
            code=code, kind=kind, school=names["school_name"], area=names["area_name"], is_public=True,
            name=names["school_name"] if kind == "school" else names["area_name"],
        )  # fmt: skip

    async def _open(self, code: str, name: str, ability: Ability, level: int, turn: Turn) -> Place:
        held = await self._territory.require(turn.caller, ability, code, level)
        command = OpenPlace(code=code, name=name, mandate=held)
        return await self._ref("op_code", code).ask(command, turn.caller, idempotency=turn.idempotency)

    async def _point(self, code: str, caller: Caller) -> OpCode:
        row = await self._store.get_point(code)
        if row is None:
            raise await self._unknown(code)
        seen: dict[str, Any] = {"kind": "point", "school": row["school_name"], "area": row["area_name"]}
        if not (row["is_public"] or await self._sees(row, caller)):
            return OpCode(code=masked(code), **seen)
        holder = PublicUser(
            id=row["holder_id"], username=row["username"], avatar=row["avatar"], courier_level=row["courier_level"]
        )
        return OpCode(
            code=code, **seen, name=row["name"], type=row["type"], address=row["address"], is_public=row["is_public"],
            holder=holder,
        )  # fmt: skip

    async def _sees(self, row: Record, caller: Caller) -> bool:
        if caller.is_admin or row["holder_id"] == caller.user_id:
            return True
        own = await self._territory.of(caller, "carry")
        return own is not None and covers(own["prefixes"], row["code"])

    async def _unknown(self, code: str) -> NotFound:
        known = await self._store.list_known(lookalikes(code))
        hint = "; the letter O and the digit 0 look alike, and so do I and 1: did you mean " if known else ""
        return NotFound(f"nothing has the code {code}{hint}{' or '.join(known)}{'?' if known else ''}")


def _place(row: Record) -> Place:
    return Place(**{name: row[name] for name in Place.__struct_fields__})
