"""The service for applications: to become a courier, and to be promoted."""

from collections.abc import Callable, Sequence

from actors.authority import LEVELS, check_prefixes, covers_all
from actors.courier.moves import APPLICATION, require
from actors.courier.promoting import HIGHEST, progress_of
from actors.courier.reach import Reach, mandate, require_role
from actors.courier.rows import read_application
from actors.courier.settings import CourierSettings
from actors.cursors import decode_cursor, page_of
from actors.errors import Conflict, Forbidden, NotFound
from actors.messages.courier import (
    Application,
    ApplyCourier,
    ApproveApplication,
    DecideApplication,
    FileApplication,
    ListApplications,
    PromoteCourier,
    RejectApplication,
    ShowApplication,
)
from actors.messages.fields import Id, Page
from actors.moves import refusal
from actors.places import require_places
from actors.runtime.actor import Ref, Service, Turn, handles
from actors.runtime.ids import uuid7
from actors.runtime.message import Aware
from storage.courier import CourierStore
from storage.op_code import OpCodeStore
from storage.postgres import Record


class CourierApplications(Service):
    """Decided by an active courier one level above what is asked for, whose territory holds it; or an administrator.

    Everybody else but the applicant finds no such application.
    """

    kind = "courier_applications"
    asks = frozenset({"courier"})

    def __init__(
        self, store: CourierStore, places: OpCodeStore, settings: CourierSettings, ref: Callable[[str, str], Ref]
    ) -> None:
        self._store = store
        self._places = places
        self._settings = settings
        self._ref = ref
        self._reach = Reach(store)

    @handles
    async def apply(self, message: ApplyCourier, turn: Turn) -> Application:
        """Approved by the house where little is asked for and the building has a free place; else it waits."""
        prefixes = list(check_prefixes(1, message.prefixes))
        await require_places(self._places, 1, prefixes)
        asked = Application(
            id=uuid7(), user_id=turn.caller.user_id or "", kind="entry", level=1, prefixes=prefixes,
            max_daily_tasks=message.max_daily_tasks, weekly_hours=message.weekly_hours, transport=message.transport,
            time_slots=message.time_slots, reason=message.reason, created_at=turn.now,
        )  # fmt: skip
        if self._asks_little(asked):
            parent_id = await self._store.get_parent(2, prefixes)
            places = self._settings.building_places
            try:
                return await self._file(FileApplication(application=asked, parent_id=parent_id, places=places), turn)
            except Conflict as error:
                if "places" not in error.extra:
                    raise
        return await self._file(FileApplication(application=asked), turn)

    @handles
    async def promote(self, message: PromoteCourier, turn: Turn) -> Application:
        """Ask for the next level. Conflict while its thresholds are not reached."""
        seen = await self._reach.see(message.courier_id, turn.caller)
        row = seen.row
        require_role(seen, "self", move=(str(row["level"]), str(row["level"] + 1)))
        progress = await progress_of(self._store, self._settings, row, turn.now)
        if progress is None:
            raise Conflict("there is no higher level", **{"from": str(HIGHEST), "to": None})
        if not progress.is_met:
            why = "the next level asks for more"
            raise refusal(str(row["level"]), str(progress.level), why=why, needs=progress.needs, has=progress.has)
        asked = Application(
            id=uuid7(), user_id=message.courier_id, kind="promotion", level=progress.level,
            prefixes=_widened(row["prefixes"], progress.level), max_daily_tasks=row["max_daily_tasks"],
            weekly_hours=row["weekly_hours"], transport=row["transport"], reason=message.reason, created_at=turn.now,
        )  # fmt: skip
        return await self._file(FileApplication(application=asked), turn)

    @handles
    async def list_applications(self, message: ListApplications, turn: Turn) -> Page[Application]:
        """One's own and those that one may decide, newest first."""
        own = await self._reach.active(turn.caller)
        rows = await self._store.list_applications(
            turn.caller.user_id or "", sees_all=turn.caller.is_admin, level=None if own is None else own["level"],
            prefixes=[] if own is None else own["prefixes"], status=message.status,
            before=decode_cursor(message.cursor, tuple[Aware, Id]), limit=message.limit + 1,
        )  # fmt: skip
        return page_of(rows, message.limit, read_application, lambda row: (row["created_at"], row["id"]))

    @handles
    async def show(self, message: ShowApplication, turn: Turn) -> Application:
        """One application."""
        application, _, _ = await self._seen(message.application_id, turn)
        return application

    @handles
    async def approve(self, message: ApproveApplication, turn: Turn) -> Application:
        """Let it be so, in the territory that was asked for or another one of the decider's."""
        application, own = await self._deciding(message.application_id, "approved", turn)
        if application.status != "pending":
            return _decided(application, "approve")
        prefixes = application.prefixes
        if message.prefixes is not None:
            prefixes = list(check_prefixes(application.level, message.prefixes))
            await require_places(self._places, application.level, prefixes)
        if own is not None and not covers_all(own["prefixes"], prefixes):
            raise Forbidden("this is outside your territory")
        parent_id = await self._store.get_parent(application.level + 1, prefixes) if own is None else own["user_id"]
        command = DecideApplication(
            application_id=application.id, approve=True, note=message.note, prefixes=prefixes, parent_id=parent_id,
            mandate=mandate(own, application.level + 1, prefixes),
        )  # fmt: skip
        return await self._decide(application, command, turn)

    @handles
    async def reject(self, message: RejectApplication, turn: Turn) -> Application:
        """Refuse with a reason."""
        application, own = await self._deciding(message.application_id, "rejected", turn)
        if application.status != "pending":
            return _decided(application, "reject")
        command = DecideApplication(
            application_id=application.id, approve=False, note=message.reason,
            mandate=mandate(own, application.level + 1, application.prefixes),
        )  # fmt: skip
        return await self._decide(application, command, turn)

    def _asks_little(self, asked: Application) -> bool:
        free = self._settings
        return asked.max_daily_tasks <= free.free_daily_tasks and asked.weekly_hours <= free.free_weekly_hours

    async def _file(self, command: FileApplication, turn: Turn) -> Application:
        ref = self._ref("courier", command.application.user_id)
        return await ref.ask(command, turn.caller, idempotency=turn.idempotency)

    async def _decide(self, application: Application, command: DecideApplication, turn: Turn) -> Application:
        return await self._ref("courier", application.user_id).ask(command, turn.caller)

    async def _seen(self, application_id: str, turn: Turn) -> tuple[Application, Record | None, bool]:
        """An application, the caller as a courier, and whether they may decide it."""
        row = await self._store.get_application(application_id)
        if row is None:
            raise NotFound("no such application")
        application, own = read_application(row), await self._reach.active(turn.caller)
        decides = turn.caller.is_admin or (
            own is not None
            and own["level"] == application.level + 1
            and covers_all(own["prefixes"], application.prefixes)
        )
        if not decides and application.user_id != turn.caller.user_id:
            raise NotFound("no such application")
        return application, own, decides

    async def _deciding(self, application_id: str, to: str, turn: Turn) -> tuple[Application, Record | None]:
        """An application that the caller may decide; the courier as whom, None as an administrator."""
        application, own, decides = await self._seen(application_id, turn)
        if not decides:
            raise refusal(application.status, to, Forbidden, "somebody else decides this")
        return application, None if turn.caller.is_admin else own


def _widened(prefixes: Sequence[str], level: int) -> list[str]:
    """A territory as the next level has it: each prefix cut to that level's length."""
    length = LEVELS[level].longest
    return sorted({prefix[:length] for prefix in prefixes})


def _decided(application: Application, move: str) -> Application:
    """An application that was decided so already. Raises `Conflict` when it was decided otherwise."""
    if application.status != f"{move.removesuffix('e')}ed":
        require(APPLICATION, move, application.status)
    return application
