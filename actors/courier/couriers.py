"""The service for every view of couriers, and for what those above them decide."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import msgspec
from msgspec import UNSET

from actors.authority import LEVELS, check_prefixes, covers_all, normalise
from actors.courier.promoting import progress_of
from actors.courier.reach import Reach, mandate, require_role
from actors.courier.settings import CourierSettings
from actors.courier.views import courier_of, figures_of, ranked_of
from actors.cursors import decode_cursor, page_of
from actors.errors import Conflict, Forbidden, InvalidRequest, NotFound
from actors.messages.courier import (
    Amend,
    Appoint,
    AppointCourier,
    ChangeCourier,
    Courier,
    CourierDay,
    CourierStatistics,
    GetCourier,
    GetCourierStats,
    GetOwnCourier,
    ListRanking,
    ListSubordinates,
    Mandate,
    Ranked,
    ResumeCourier,
    SetStanding,
    SuspendCourier,
    TransferCourier,
)
from actors.messages.fields import Id, Page
from actors.places import require_places
from actors.runtime.actor import Ref, Service, Turn, handles
from storage.courier import CourierStore, day_of
from storage.op_code import OpCodeStore
from storage.postgres import Record

_BY_PARENT = ("prefixes", "max_daily_tasks", "weekly_hours")


class Couriers(Service):
    """Strangers find nobody. Who knows a courier and may not decide is `Forbidden` to."""

    kind = "couriers"
    asks = frozenset({"courier"})
    concurrency = 32

    def __init__(
        self, store: CourierStore, places: OpCodeStore, settings: CourierSettings, ref: Callable[[str, str], Ref]
    ) -> None:
        self._store = store
        self._places = places
        self._settings = settings
        self._ref = ref
        self._reach = Reach(store)

    @handles
    async def get_own(self, message: GetOwnCourier, turn: Turn) -> Courier:
        """The caller; also one who waits, was refused or is suspended."""
        del message
        return await self._show(turn.caller.user_id or "", turn)

    @handles
    async def get(self, message: GetCourier, turn: Turn) -> Courier:
        """One courier."""
        seen = await self._reach.see(message.courier_id, turn.caller)
        return courier_of(seen.row, day_of(turn.now))

    @handles
    async def list_below(self, message: ListSubordinates, turn: Turn) -> Page[Courier]:
        """Those below a courier whom the caller sees from above, or is."""
        seen = await self._reach.see(message.courier_id, turn.caller)
        require_role(seen, "self", "above", "inspector", "admin")
        after = decode_cursor(message.cursor, tuple[int, Id])
        rows = await self._store.list_below(message.courier_id, deep=message.deep, after=after, limit=message.limit + 1)
        return page_of(
            rows,
            message.limit,
            lambda row: courier_of(row, day_of(turn.now)),
            lambda row: (row["level"], row["user_id"]),
        )

    @handles
    async def appoint(self, message: AppointCourier, turn: Turn) -> Courier:
        """Exactly one level below oneself, inside one's own territory; administrators at any level."""
        prefixes = check_prefixes(message.level, message.prefixes)
        own = await self._reach.active(turn.caller)
        if turn.caller.is_admin:
            parent_id, rests_on = await self._parent_for_admin(message, prefixes)
        else:
            if own is None:
                raise Forbidden("only an active courier appoints others")
            _require_one_below(own, message.level)
            _require_inside(own, prefixes)
            if message.parent_id not in {None, own["user_id"]}:
                raise Forbidden("whom a courier appoints stands under them")
            parent_id, rests_on = own["user_id"], mandate(own, message.level + 1, prefixes)
        await require_places(self._places, message.level, prefixes)
        command = Appoint(
            user_id=message.user_id, level=message.level, prefixes=list(prefixes), parent_id=parent_id,
            max_daily_tasks=message.max_daily_tasks, weekly_hours=message.weekly_hours, transport=message.transport,
            time_slots=message.time_slots, mandate=rests_on,
        )  # fmt: skip
        await self._ref("courier", message.user_id).ask(command, turn.caller, idempotency=turn.idempotency)
        return await self._show(message.user_id, turn)

    @handles
    async def change(self, message: ChangeCourier, turn: Turn) -> Courier:
        """Territory and limits by the direct parent; transport and times by the courier, too."""
        seen = await self._reach.see(message.courier_id, turn.caller)
        if any(getattr(message, name) is not UNSET for name in _BY_PARENT):
            require_role(seen, "parent", "admin")
        require_role(seen, "self", "parent", "admin")
        prefixes: list[str] | msgspec.UnsetType = UNSET
        if message.prefixes is not UNSET:
            prefixes = list(check_prefixes(seen.row["level"], message.prefixes))
            await require_places(self._places, seen.row["level"], prefixes)
            if "admin" not in seen.roles:
                _require_inside(seen.caller, prefixes)
        by_parent = "parent" in seen.roles and "admin" not in seen.roles
        held = mandate(seen.caller, seen.row["level"] + 1, seen.row["prefixes"] if prefixes is UNSET else prefixes)
        command = Amend(
            prefixes=prefixes, max_daily_tasks=message.max_daily_tasks, weekly_hours=message.weekly_hours,
            transport=message.transport, time_slots=message.time_slots,
            mandates=[held] if by_parent and held is not None else [],
        )  # fmt: skip
        return await self._amend(message.courier_id, command, turn)

    @handles
    async def transfer(self, message: TransferCourier, turn: Turn) -> Courier:
        """To an active parent of the level right above, whose territory holds the courier's."""
        seen = await self._reach.see(message.courier_id, turn.caller)
        require_role(seen, "parent", "admin")
        level, prefixes = seen.row["level"], seen.row["prefixes"]
        parent = await self._store.get_courier(message.parent_id)
        if parent is None or parent["status"] != "active":
            raise InvalidRequest("no active courier has this id", "$.parent_id")
        _require_right_parent(parent, level, prefixes)
        mandates = [Mandate(user_id=message.parent_id, level=level + 1, prefixes=prefixes)]
        own = None if "admin" in seen.roles else mandate(seen.caller, level + 1, prefixes)
        command = Amend(
            parent_id=message.parent_id, reason=message.reason, mandates=mandates if own is None else [*mandates, own]
        )
        return await self._amend(message.courier_id, command, turn)

    @handles
    async def suspend(self, message: SuspendCourier, turn: Turn) -> Courier:
        """The event frees what the courier has accepted; paper stays with them until it is handed over."""
        return await self._set(message.courier_id, SetStanding(status="suspended", reason=message.reason), turn)

    @handles
    async def resume(self, message: ResumeCourier, turn: Turn) -> Courier:
        """Let a suspended courier work again."""
        return await self._set(message.courier_id, SetStanding(status="active"), turn)

    @handles
    async def list_ranking(self, message: ListRanking, turn: Turn) -> Page[Ranked]:
        """Places are counted on from page to page, as the pages were when they were read."""
        del turn
        school = None if message.school is None else normalise(message.school, (2,), "$.school")
        after = decode_cursor(message.cursor, tuple[int, Id, int])
        start = 0 if after is None else after[2]
        rows = await self._store.list_ranking(school, None if after is None else after[:2], message.limit + 1)
        ranked = [ranked_of(row, start + place) for place, row in enumerate(rows, 1)]
        return page_of(ranked, message.limit, lambda one: one, lambda one: (one.points, one.user.id, one.place))

    @handles
    async def statistics(self, message: GetCourierStats, turn: Turn) -> CourierStatistics:
        """What a courier has done, and how far the next level is."""
        seen = await self._reach.see(message.courier_id, turn.caller)
        require_role(seen, "self", "above", "inspector", "admin")
        since = day_of(turn.now) - timedelta(days=message.days - 1)
        days = await self._store.list_days(message.courier_id, since)
        progress = await self._store.get_progress(message.courier_id, None)
        return CourierStatistics(
            user_id=message.courier_id, points=seen.row["points"], rating=round(seen.row["rating"], 2),
            stats=figures_of(seen.row, day_of(turn.now)), active_days=progress["active_days"], led=progress["led"],
            next_level=await progress_of(self._store, self._settings, seen.row, turn.now), days=_days(days),
        )  # fmt: skip

    async def _parent_for_admin(
        self, message: AppointCourier, prefixes: Sequence[str]
    ) -> tuple[str | None, Mandate | None]:
        if message.parent_id is None:
            return None, None
        parent = await self._store.get_courier(message.parent_id)
        if parent is None or parent["status"] != "active":
            raise InvalidRequest("no active courier has this id", "$.parent_id")
        _require_right_parent(parent, message.level, prefixes)
        return message.parent_id, mandate(parent, message.level + 1, prefixes)

    async def _set(self, courier_id: str, command: SetStanding, turn: Turn) -> Courier:
        seen = await self._reach.see(courier_id, turn.caller)
        require_role(seen, "above", "admin", move=(seen.row["status"], command.status))
        if "admin" not in seen.roles:
            command = msgspec.structs.replace(command, mandate=mandate(seen.caller, seen.row["level"] + 1, []))
        await self._ref("courier", courier_id).ask(command, turn.caller)
        return await self._show(courier_id, turn)

    async def _amend(self, courier_id: str, command: Amend, turn: Turn) -> Courier:
        await self._ref("courier", courier_id).ask(command, turn.caller)
        return await self._show(courier_id, turn)

    async def _show(self, user_id: str, turn: Turn) -> Courier:
        row = await self._store.get_courier(user_id)
        if row is None:
            raise NotFound("no such courier")
        return courier_of(row, day_of(turn.now))


def _days(rows: Iterable[Record]) -> list[CourierDay]:
    return [
        CourierDay(row["day"].isoformat(), *(row[name] for name in CourierDay.__struct_fields__[1:])) for row in rows
    ]


def _require_one_below(own: Record, level: int) -> None:
    appoints = LEVELS[own["level"]].appoints
    if level != appoints:
        whom = "nobody" if appoints is None else f"level {appoints}"
        raise Forbidden(f"a courier of level {own['level']} appoints {whom}, not level {level}")


def _require_inside(own: Record | None, prefixes: Sequence[str]) -> None:
    if own is None or not covers_all(own["prefixes"], prefixes):
        raise Forbidden("this is outside your territory")


def _require_right_parent(parent: Record, level: int, prefixes: Sequence[str]) -> None:
    if parent["level"] != level + 1:
        raise Conflict(
            f"a courier of level {level} stands under one of level {level + 1}, not {parent['level']}", level=level
        )
    if not covers_all(parent["prefixes"], prefixes):
        raise Conflict("the courier's territory is outside that of the new parent")
