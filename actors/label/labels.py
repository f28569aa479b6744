"""The service for labels. Shared rows: conditional statements change them, once bound only those of their letter."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid5

from actors.authority import ALPHABET, may, normalise_label
from actors.cursors import decode_cursor, page_of
from actors.drawing import LABELS_PER_SHEET, label_sheet
from actors.errors import Conflict, Forbidden, InvalidRequest, NotFound
from actors.messages.fields import Id, Page
from actors.messages.label import (
    BindLabel,
    CancelLabel,
    DrawLabels,
    ExpireLabels,
    GetBatch,
    GetLabel,
    Label,
    LabelBatch,
    LabelsMade,
    ListBatches,
    ListLabels,
    MakeLabels,
)
from actors.messages.letter import BindLetter
from actors.messages.picture import Picture
from actors.moves import LABEL, befores, refusal
from actors.runtime.actor import Decision, Opened, Ref, Service, Turn, handles
from actors.runtime.ids import uuid7
from actors.runtime.message import Aware
from storage import queries
from storage.courier import CourierStore
from storage.label import LabelStore
from storage.postgres import Record
from storage.write import Write

Q = queries.load("label")
_SIGNS = 6
_IN_USE = Conflict("one of these codes was taken just now; try again")


class Timers(Protocol):
    """Durable timers."""

    def set(self, timer_id: str, kind: str, key: str, message: ExpireLabels, due_at: datetime) -> Write:
        """The write that sets one."""
        ...

    def end(self, timer_id: str) -> Write:
        """The write that ends one."""
        ...


class Labels(Service):
    """See the module."""

    kind = "labels"
    asks = frozenset({"letter"})

    def __init__(
        self, store: LabelStore, couriers: CourierStore, ref: Callable[[str, str], Ref], timers: Timers, days: int
    ) -> None:
        """``days`` until a label that nobody has bound expires."""
        self._store = store
        self._couriers = couriers
        self._ref = ref
        self._timers = timers
        self._lifetime = timedelta(days=days)

    @handles
    async def make(self, message: MakeLabels, turn: Turn) -> Decision[LabelBatch]:
        """Make a batch with codes that nobody has had."""
        await self._require_maker(turn)
        batch = LabelBatch(
            id=uuid7(), made_by=turn.caller.user_id or "", count=message.count, sheets=_sheets(message.count),
            note=message.note, expires_at=turn.now + self._lifetime, created_at=turn.now,
        )  # fmt: skip
        timer = str(uuid5(UUID(batch.id), "expire"))
        expire = ExpireLabels(batch_id=batch.id, timer_id=timer)
        row = (batch.id, batch.made_by, batch.count, batch.note, batch.expires_at, batch.created_at)
        writes = [
            Write(Q.insert_batches, row),
            *[
                Write(Q.insert_labels, (code, batch.id, turn.now), constraints={"label_pkey": _IN_USE})
                for code in await self._free_codes(message.count)
            ],
            self._timers.set(timer, self.kind, "", expire, batch.expires_at),
        ]
        opened = Opened(f"label_batch:{batch.id}", LabelsMade(at=turn.now, batch=batch))
        return Decision(reply=batch, writes=writes, opens=[opened], made=batch.id)

    @handles
    def expire(self, message: ExpireLabels, turn: Turn) -> Decision[None]:
        """End what nobody has bound."""
        expired = [
            Write(Q.expire_labels, (message.batch_id, before, turn.now))
            for before in befores(LABEL, "expired", "house")
        ]
        return Decision(writes=[*expired, self._timers.end(message.timer_id)])

    @handles
    async def list_batches(self, message: ListBatches, turn: Turn) -> Page[LabelBatch]:
        """A page of batches."""
        before = decode_cursor(message.cursor, tuple[Aware, Id])
        maker = None if turn.caller.is_admin else turn.caller.user_id
        rows = await self._store.list_batches(maker, before, message.limit + 1)
        return page_of(rows, message.limit, _batch_of, lambda row: (row["created_at"], row["id"]))

    @handles
    async def get_batch(self, message: GetBatch, turn: Turn) -> LabelBatch:
        """One batch."""
        return await self._batch(message.batch_id, turn)

    @handles
    async def list_labels(self, message: ListLabels, turn: Turn) -> Page[Label]:
        """A page of a batch's labels."""
        after = decode_cursor(message.cursor, str)
        await self._batch(message.batch_id, turn)
        rows = await self._store.list_labels(message.batch_id, after or "", message.limit + 1)
        return page_of(rows, message.limit, lambda row: _label_of(row, with_letter=True), lambda row: row["code"])

    @handles
    async def draw(self, message: DrawLabels, turn: Turn) -> Picture:
        """A page of labels that are not bound yet or were: a sheet is printed as it was made."""
        batch = await self._batch(message.batch_id, turn)
        if message.page > batch.sheets:
            raise NotFound("no such page")
        codes = await self._store.list_codes(batch.id, (message.page - 1) * LABELS_PER_SHEET, LABELS_PER_SHEET)
        return await asyncio.to_thread(label_sheet, codes)

    @handles
    async def get(self, message: GetLabel, turn: Turn) -> Label:
        """A label."""
        return await self._label(message.code, turn)

    @handles
    async def bind(self, message: BindLabel, turn: Turn) -> Label:
        """Let the letter take the label."""
        label = await self._label(message.code, turn)
        order = BindLetter(letter_id=message.letter_id, label=label.code)
        try:
            await self._ref("letter", message.letter_id).ask(order, turn.caller)
        except Conflict as refused:
            label = await self._label(
                message.code, turn
            )  # the letter does not know what a label is that is not its own
            raise refusal(label.status, "bound", Conflict, refused.detail) from None
        return await self._label(message.code, turn)

    @handles
    async def cancel(self, message: CancelLabel, turn: Turn) -> Decision[Label]:
        """End a label that is not bound; again changes nothing."""
        label = await self._label(message.code, turn)
        await self._batch(label.batch_id, turn)
        if label.status == "cancelled":
            return Decision(reply=label)
        no_move = refusal(label.status, "cancelled", Conflict, "only what is not bound is cancelled")
        if label.status not in befores(LABEL, "cancelled", "admin" if turn.caller.is_admin else "courier"):
            raise no_move
        row = (label.code, label.status, "cancelled", turn.now)
        write = Write(Q.move_labels, row, expect=1, otherwise=no_move)
        cancelled = Label(
            code=label.code, status="cancelled", batch_id=label.batch_id, letter_id=None, changed_at=turn.now
        )
        return Decision(reply=cancelled, writes=[write])

    async def _require_maker(self, turn: Turn) -> None:
        row = await self._couriers.get_courier(turn.caller.user_id or "")
        level = row["level"] if row is not None and row["status"] == "active" else None
        if not (turn.caller.is_admin or may(level, "make_labels")):
            raise Forbidden("couriers of level 3 and above make labels")

    async def _free_codes(self, count: int) -> list[str]:
        """Codes that nobody has had: drawn, and looked up, since among many labels some would meet."""
        codes: set[str] = set()
        while len(codes) < count:
            drawn = {"OP" + "".join(secrets.choice(ALPHABET) for _ in range(_SIGNS)) for _ in range(count - len(codes))}
            codes |= drawn - await self._store.list_taken(sorted(drawn))
        return sorted(codes)

    async def _batch(self, batch_id: str, turn: Turn) -> LabelBatch:
        row = await self._store.get_batch(batch_id)
        if row is None or not (turn.caller.is_admin or row["made_by"] == turn.caller.user_id):
            raise NotFound("no such batch")
        return _batch_of(row)

    async def _label(self, text: str, turn: Turn) -> Label:
        """A label as the caller may see it. Raises `NotFound`, with the reason where the code cannot be one."""
        try:
            code = normalise_label(text)
        except InvalidRequest as error:
            raise NotFound(error.detail) from None
        row = await self._store.get_label(code, turn.caller.user_id or "")
        if row is None:
            raise NotFound("no such label")
        return _label_of(row, with_letter=turn.caller.is_admin or row["concerns"])


def _sheets(count: int) -> int:
    return -(-count // LABELS_PER_SHEET)


def _batch_of(row: Record) -> LabelBatch:
    return LabelBatch(**dict(row), sheets=_sheets(row["count"]))


def _label_of(row: Record, *, with_letter: bool) -> Label:
    return Label(
        code=row["code"], status=row["status"], batch_id=row["batch_id"],
        letter_id=row["letter_id"] if with_letter else None, changed_at=row["changed_at"],
    )  # fmt: skip
