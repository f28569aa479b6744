"""The service for couriers: which tasks there are, and the way from a task or a scanned code to its letter."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec.structs import asdict

from actors.authority import normalise
from actors.carrier import Carrier
from actors.cursors import decode_cursor, page_of
from actors.delivery.scanning import Scanned, Scanner
from actors.delivery.views import concerns, next_actions, task_of
from actors.errors import Forbidden, NotFound
from actors.messages.delivery import (
    Accept,
    AcceptDelivery,
    Assign,
    AssignDelivery,
    DeliveryTask,
    GetDelivery,
    KeptScan,
    ListDeliveries,
    ListScans,
    ReassignDelivery,
    Release,
    ReleaseDelivery,
    ScanAnswer,
    ScanEntry,
    ScanLetter,
    ScanLetters,
    ScanOutcome,
    ScansDone,
)
from actors.messages.fields import Id, Page
from actors.runtime.actor import Decision, Ref, Service, Turn, handles
from actors.runtime.message import Aware
from actors.scans import keep_scan, read_scan
from storage.courier import CourierStore
from storage.delivery import DeliveryStore
from storage.postgres import Record
from storage.write import Write

Distance = Annotated[int, msgspec.Meta(ge=0, le=2)]


class Deliveries(Service):
    """Reads see what is committed. A task concerns administrators, who holds it, and couriers of its territory."""

    kind = "deliveries"
    asks = frozenset({"letter"})
    concurrency = 64

    def __init__(self, store: DeliveryStore, couriers: CourierStore, ref: Callable[[str, str], Ref]) -> None:
        self._store = store
        self._couriers = couriers
        self._ref = ref
        self._scanner = Scanner(store, ref)

    @handles
    async def list_tasks(self, message: ListDeliveries, turn: Turn) -> Page[DeliveryTask]:
        """A page of tasks."""
        is_near = message.near is not None and not message.mine
        after = decode_cursor(message.cursor, tuple[Distance, Aware, Id]) if is_near else None
        before = None if is_near else decode_cursor(message.cursor, tuple[Aware, Id])
        carrier, more = await self._carrier(turn), message.limit + 1
        if carrier.level is None and not carrier.is_admin and not message.mine:
            raise Forbidden("for active couriers")
        if is_near:
            return await self._near(message, carrier, after)
        if message.mine:
            rows = await self._store.list_held(carrier.user_id, message.status, before, more)
        else:
            rows = await self._store.list_tasks(_territory(carrier), message.status or "available", before, more)
        return page_of(
            rows, message.limit, lambda row: task_of(row, carrier), lambda row: (row["changed_at"], row["id"])
        )

    @handles
    async def get(self, message: GetDelivery, turn: Turn) -> DeliveryTask:
        """One task with its history."""
        carrier = await self._carrier(turn)
        row = await self._task(message.task_id, carrier)
        return task_of(row, carrier, await self._store.list_history(row["letter_id"], row["id"]))

    @handles
    async def act(
        self, message: AcceptDelivery | ReleaseDelivery | AssignDelivery | ReassignDelivery, turn: Turn
    ) -> DeliveryTask:
        """What its letter decides, answered with the task."""
        letter_id = await self._store.find_task(message.task_id)
        if letter_id is None:
            raise NotFound("no such task")
        await self._ref("letter", letter_id).ask(_order(message, letter_id), turn.caller)
        row = await self._store.get_task(message.task_id)
        if row is None:
            raise NotFound("no such task")
        return task_of(row, await self._carrier(turn))

    @handles
    async def scan(self, message: ScanLetter, turn: Turn) -> Decision[ScanOutcome]:
        """Let a scan take effect; one that is refused is kept, and then refused."""
        scanned = await self._scanner.scan(ScanEntry(**asdict(message)), turn)
        if scanned.refused is None:
            return Decision(reply=await self._outcome(scanned, turn))

        def refuse(rows: list[list[Any]]) -> ScanOutcome:
            del rows
            scanned.raise_refusal()
            raise AssertionError

        return Decision(writes=_kept([scanned], turn), answer=refuse)

    @handles
    async def scan_all(self, message: ScanLetters, turn: Turn) -> Decision[ScansDone]:
        """Let many take effect in the order of their times, each answered by itself."""
        scans = await self._scanner.scan_all(message.scans, turn)
        answers = [
            ScanAnswer(
                client_scan_id=one.entry.client_scan_id, result=one.result, refusal=one.refused,
                outcome=None if one.refused is not None else await self._outcome(one, turn),
            )
            for one in scans
        ]  # fmt: skip
        return Decision(reply=ScansDone(answers), writes=_kept(scans, turn))

    @handles
    async def list_scans(self, message: ListScans, turn: Turn) -> Page[KeptScan]:
        """A page of the caller's scans; administrators ask for anybody's."""
        caller = turn.caller
        if message.letter_id is not None and not caller.is_admin:
            raise Forbidden("administrators list the scans of a letter")
        before = decode_cursor(message.cursor, tuple[Aware, Id])
        courier_id = caller.user_id if message.letter_id is None else None
        rows = await self._store.list_scans(courier_id, message.letter_id, before, message.limit + 1)
        return page_of(rows, message.limit, read_scan, lambda row: (row["at"], row["id"]))

    async def _near(
        self, message: ListDeliveries, carrier: Carrier, after: tuple[int, datetime, str] | None
    ) -> Page[DeliveryTask]:
        place = normalise(message.near or "", path="$.near")
        rows = await self._store.list_near(_territory(carrier), place, after, message.limit + 1)
        return page_of(
            rows, message.limit, lambda row: task_of(row, carrier),
            lambda row: (row["distance"], row["created_at"], row["id"]),
        )  # fmt: skip

    async def _outcome(self, scanned: Scanned, turn: Turn) -> ScanOutcome:
        carrier = await self._carrier(turn)
        row = await self._store.get_scanned(scanned.letter_id or "")
        if row is None:
            raise NotFound("no such letter")
        return ScanOutcome(
            client_scan_id=scanned.entry.client_scan_id, result=scanned.result, letter_id=row["letter_id"],
            status=row["letter_status"], task=task_of(row, carrier),
            next=next_actions(row["letter_status"], row, carrier),
        )  # fmt: skip

    async def _task(self, task_id: str, carrier: Carrier) -> Record:
        row = await self._store.get_task(task_id)
        if row is None or not concerns(row, carrier):
            raise NotFound("no such task")
        return row

    async def _carrier(self, turn: Turn) -> Carrier:
        user_id = turn.caller.user_id or ""
        return Carrier.of(user_id, await self._couriers.get_courier(user_id), is_admin=turn.caller.is_admin)


def _territory(carrier: Carrier) -> list[str] | None:
    return None if carrier.is_admin else list(carrier.prefixes)


def _order(
    message: AcceptDelivery | ReleaseDelivery | AssignDelivery | ReassignDelivery, letter_id: str
) -> Accept | Release | Assign:
    match message:
        case AcceptDelivery(task_id=task_id):
            return Accept(letter_id=letter_id, task_id=task_id)
        case ReleaseDelivery(task_id=task_id):
            return Release(letter_id=letter_id, task_id=task_id)
    return Assign(
        letter_id=letter_id, task_id=message.task_id, courier_id=message.courier_id, reason=message.reason,
        is_again=isinstance(message, ReassignDelivery),
    )  # fmt: skip


def _kept(scans: Sequence[Scanned], turn: Turn) -> list[Write]:
    """The writes that keep what was refused."""
    user_id = turn.caller.user_id or ""
    return [
        keep_scan(user_id, one.letter_id, one.entry, turn.now, result="refused", refused=one.refused)
        for one in scans
        if not one.is_kept
    ]
