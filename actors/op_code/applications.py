"""The service for applications for points: who asks, who gives, who leaves."""

import secrets
from collections.abc import Callable
from itertools import product
from string import ascii_uppercase, digits

from actors.authority import ALPHABET, AREA, POINT, SCHOOL, covers, lookalikes, normalise
from actors.cursors import decode_cursor, page_of
from actors.errors import Conflict, Forbidden, InvalidRequest, NotFound
from actors.messages.courier import Mandate
from actors.messages.fields import Id, Page
from actors.messages.op_code import (
    ApplyPoint,
    ApprovePoint,
    DecidePoint,
    FilePoint,
    ListPointApplications,
    PointApplication,
    RejectPoint,
    ReleasePoint,
    ShowPointApplication,
)
from actors.moves import refusal
from actors.op_code.application import read_application
from actors.op_code.op_codes import Territory, code_in_path
from actors.runtime.actor import Ref, Service, Turn, handles
from actors.runtime.ids import uuid7
from actors.runtime.message import Aware
from storage.courier import CourierStore
from storage.op_code import OpCodeStore

LEVEL = 2
TRIES = 5


class PointApplications(Service):
    """Points are given by active couriers of level 2 or above whose territory holds the area, and by administrators.

    Nobody gives one to themselves as a courier. Everybody else but the applicant finds no such application.
    """

    kind = "op_applications"
    asks = frozenset({"op_application"})

    def __init__(self, store: OpCodeStore, couriers: CourierStore, ref: Callable[[str, str], Ref]) -> None:
        self._store = store
        self._territory = Territory(couriers)
        self._ref = ref

    @handles
    async def apply(self, message: ApplyPoint, turn: Turn) -> PointApplication:
        """Ask for a point in an area that is open."""
        application = PointApplication(
            id=uuid7(), user_id=turn.caller.user_id or "", area=await self._area(message), type=message.type,
            name=message.name, address=message.address, reason=message.reason, is_public=message.is_public,
            created_at=turn.now,
        )  # fmt: skip
        ref = self._ref("op_application", application.id)
        return await ref.ask(FilePoint(application=application), turn.caller, idempotency=turn.idempotency)

    @handles
    async def list_applications(self, message: ListPointApplications, turn: Turn) -> Page[PointApplication]:
        """One's own and those of one's territory, newest first."""
        own = await self._territory.of(turn.caller, "give_points")
        rows = await self._store.list_applications(
            turn.caller.user_id or "", sees_all=turn.caller.is_admin, prefixes=[] if own is None else own["prefixes"],
            status=message.status, before=decode_cursor(message.cursor, tuple[Aware, Id]), limit=message.limit + 1,
        )  # fmt: skip
        return page_of(rows, message.limit, read_application, lambda row: (row["created_at"], row["id"]))

    @handles
    async def show(self, message: ShowPointApplication, turn: Turn) -> PointApplication:
        """One application."""
        return (await self._seen(message.point_id, turn))[0]

    @handles
    async def approve(self, message: ApprovePoint, turn: Turn) -> PointApplication:
        """Give the point that is named, or a free one: then somebody else may take it first, and another is tried."""
        application, held = await self._deciding(message.point_id, "approved", turn)
        if application.status == "approved" and message.code is None:
            return application
        if message.code is not None:
            code = _whole(application.area, message.code)
            return await self._decide(application.id, "approved", turn, held, code=code, note=message.note)
        for _ in range(TRIES):
            code = await self._free(application.area)
            try:
                return await self._decide(application.id, "approved", turn, held, code=code, note=message.note)
            except Conflict as error:
                if error.extra.get("taken") != code:
                    raise
        raise Conflict(f"others take the free codes of {application.area} all the time: name one")

    @handles
    async def reject(self, message: RejectPoint, turn: Turn) -> PointApplication:
        """Refuse with a reason."""
        application, held = await self._deciding(message.point_id, "rejected", turn)
        return await self._decide(application.id, "rejected", turn, held, note=message.reason)

    @handles
    async def release(self, message: ReleasePoint, turn: Turn) -> PointApplication:
        """By the holder, or whoever gives points there. Strangers find no such point."""
        code = code_in_path(message.code, POINT)
        point = await self._store.get_point(code)
        if point is None:
            raise NotFound("no such point")
        _, held, decides = await self._seen(point["application_id"], turn)
        own = point["holder_id"] == turn.caller.user_id
        return await self._decide(
            point["application_id"], "released", turn, held if decides and not own else None, note=message.reason
        )

    async def _area(self, message: ApplyPoint) -> str:
        school = normalise(message.school, (SCHOOL,), "$.school")
        part = normalise(message.area, (AREA - SCHOOL, AREA), "$.area")
        area = part if len(part) == AREA else school + part
        if not area.startswith(school):
            raise InvalidRequest(f"{area} is no area of the school {school}", "$.area")
        if await self._store.list_known([area]):
            return area
        alike = [code for code in await self._store.list_known(lookalikes(area)) if len(code) == AREA]
        hint = f"; did you mean {' or '.join(alike)} (O and 0, I and 1 look alike)?" if alike else ""
        raise InvalidRequest(f"the area {area} is not open{hint}", "$.area")

    async def _free(self, area: str) -> str:
        """A code that nobody holds, of signs that nobody misreads while there are such."""
        taken = await self._store.list_codes(area)
        for signs in (ALPHABET, ascii_uppercase + digits):
            free = [code for one, two in product(signs, signs) if (code := f"{area}{one}{two}") not in taken]
            if free:
                return secrets.choice(free)
        raise Conflict(f"every point of {area} has a holder", area=area)

    async def _decide(
        self, application_id: str, status: str, turn: Turn, held: Mandate | None, *, code: str | None = None,
        note: str = "",
    ) -> PointApplication:  # fmt: skip
        command = DecidePoint(status=status, code=code, note=note, mandate=held)  # type: ignore[arg-type]
        return await self._ref("op_application", application_id).ask(command, turn.caller)

    async def _seen(self, application_id: str, turn: Turn) -> tuple[PointApplication, Mandate | None, bool]:
        """An application, on what a decision of the caller rests, and whether they may decide it."""
        row = await self._store.get_application(application_id)
        if row is None:
            raise NotFound("no such application")
        application, caller = read_application(row), turn.caller
        own = await self._territory.of(caller, "give_points")
        is_own = application.user_id == caller.user_id
        gives = own is not None and covers(own["prefixes"], application.area) and not is_own
        if not (caller.is_admin or gives or is_own):
            raise NotFound("no such application")
        if caller.is_admin or own is None or not gives:
            return application, None, caller.is_admin
        return application, Mandate(user_id=own["user_id"], level=LEVEL, prefixes=[application.area]), True

    async def _deciding(self, application_id: str, to: str, turn: Turn) -> tuple[PointApplication, Mandate | None]:
        application, held, decides = await self._seen(application_id, turn)
        if not decides:
            raise refusal(application.status, to, Forbidden, "somebody else decides this")
        return application, held


def _whole(area: str, text: str) -> str:
    code = normalise(text, (POINT - AREA, POINT), "$.code")
    whole = area + code if len(code) == POINT - AREA else code
    if not whole.startswith(area):
        raise InvalidRequest(f"{whole} is no point of {area}", "$.code")
    return whole
