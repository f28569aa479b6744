"""The service for every view of letters, and for what names people and codes as they are typed."""

import asyncio
import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Annotated, Any

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict

from actors.authority import normalise, normalise_letter_code
from actors.cursors import decode_cursor, page_of
from actors.drawing import Address, letter_sheet, letter_text, qr_png, qr_svg
from actors.errors import Conflict, InvalidRequest, NotFound
from actors.letter.figures import figures
from actors.letter.tracking import STEPS, step_of
from actors.letter.views import Viewer, find_view, letter_of, read_letter_of, recipient_of, to_op_of, version_of
from actors.messages.fields import UUID_PATTERN, Id, Page
from actors.messages.letter import (
    AmendLetter,
    Archive,
    ArchiveLetter,
    BeginLetter,
    ChangeLetter,
    CreateLetter,
    DrawLetter,
    DrawLetterPng,
    DrawSheet,
    GetLetter,
    GetLetterStats,
    Letter,
    LetterStats,
    LetterStep,
    LetterVersion,
    ListLetters,
    ListThread,
    ListVersions,
    MarkRead,
    ReadByCode,
    ReadLetter,
    Recall,
    RecallLetter,
    ReplyLetter,
    Restore,
    RestoreVersion,
    Seal,
    SealLetter,
    Terms,
    TrackLetter,
    Words,
)
from actors.messages.picture import Picture
from actors.runtime.actor import Ref, Service, Turn, handles
from actors.runtime.ids import uuid7
from actors.runtime.message import Aware, Caller
from storage.letter import LetterStore
from storage.postgres import Record

_is_id = re.compile(UUID_PATTERN).match
_END = 2**31 - 1
StepNumber = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Version = Annotated[int, msgspec.Meta(ge=0, le=_END)]
SENT_ON = {RestoreVersion: Restore, SealLetter: Seal, RecallLetter: Recall, ArchiveLetter: Archive}
"""What people say -> what the letter's actor is told, which answers nothing."""


class Letters(Service):
    """Reads see what is committed, and only what concerns the caller: to a stranger there is no such letter."""

    kind = "letters"
    asks = frozenset({"letter"})
    concurrency = 64

    def __init__(self, store: LetterStore, ref: Callable[[str, str], Ref], base_url: str) -> None:
        """``base_url`` is what addresses in QR codes begin with."""
        self._store = store
        self._ref = ref
        self._base_url = base_url

    @handles
    async def create(self, message: CreateLetter, turn: Turn) -> Letter:
        """Begin a draft."""
        letter_id = uuid7()
        terms = Terms(
            recipient_id=None if message.recipient is None else await self._person(message.recipient, turn),
            from_op=_place(message.from_op_code, "$.from_op_code"), to_op=_place(message.to_op_code, "$.to_op_code"),
            anonymous=message.anonymous, visibility=message.visibility, deliver_after=message.deliver_after,
            priority=message.priority, instructions=message.instructions,
        )  # fmt: skip
        order = BeginLetter(letter_id=letter_id, thread_id=letter_id, terms=terms, words=_words(message))
        return await self._begin(order, turn)

    @handles
    async def reply(self, message: ReplyLetter, turn: Turn) -> Letter:
        """Begin an answer. Who wrote anonymously is answered, and stays hidden."""
        row, viewer = find_view(await self._store.get_view(message.letter_id), turn.caller)
        if not viewer.is_recipient:
            raise NotFound("no such letter")
        if row["delivered_at"] is None:
            raise Conflict("what has not arrived is not answered yet", **{"from": row["status"], "to": "read"})
        terms = Terms(
            recipient_id=row["sender_id"], hides_recipient=row["anonymous"], from_op=row["to_op"],
            to_op=row["from_op"], hides_place=True, anonymous=message.anonymous, priority=message.priority,
        )  # fmt: skip
        order = BeginLetter(
            letter_id=uuid7(), kind="reply", reply_to=row["id"], thread_id=row["thread_id"], terms=terms,
            words=_words(message),
        )  # fmt: skip
        return await self._begin(order, turn)

    @handles
    async def change(self, message: ChangeLetter, turn: Turn) -> Letter:
        """Change what is named of a draft."""
        named: dict[str, Any] = {
            name: getattr(message, name)
            for name in AmendLetter.__struct_fields__
            if name != "letter_id" and hasattr(message, name)
        }
        if message.recipient is not UNSET:
            named["recipient_id"] = None if message.recipient is None else await self._person(message.recipient, turn)
        if message.from_op_code is not UNSET:
            named["from_op"] = _place(message.from_op_code, "$.from_op_code")
        if message.to_op_code is not UNSET:
            named["to_op"] = _place(message.to_op_code, "$.to_op_code")
        return await self._do(AmendLetter(letter_id=message.letter_id, **named), turn)

    @handles
    async def act(self, message: RestoreVersion | SealLetter | RecallLetter | ArchiveLetter, turn: Turn) -> Letter:
        """What the letter's own actor does; it is answered with the letter as the caller sees it."""
        order = next(order for said, order in SENT_ON.items() if isinstance(message, said))
        return await self._do(order(**asdict(message)), turn)

    @handles
    async def get(self, message: GetLetter, turn: Turn) -> Letter:
        """One letter; the recipient of a delivered one has read it."""
        row, viewer = find_view(await self._store.get_view(message.letter_id), turn.caller)
        if viewer.is_recipient and row["delivered_at"] is not None and not viewer.is_sender:
            reader = MarkRead(letter_id=row["id"], reader=turn.caller.user_id)
            await self._ref("letter", row["id"]).ask(reader, turn.caller)
            row, viewer = find_view(await self._store.get_view(message.letter_id), turn.caller)
        return letter_of(row, viewer)

    @handles
    async def list_letters(self, message: ListLetters, turn: Turn) -> Page[Letter]:
        """A page of one of the caller's boxes."""
        before = decode_cursor(message.cursor, tuple[Aware, Id])
        user_id = turn.caller.user_id or ""
        rows = await self._store.list_box(user_id, message.box, message.q or None, before, message.limit + 1)
        return await self._letters(rows, message.limit, turn.caller, lambda row: (row["changed_at"], row["id"]))

    @handles
    async def list_thread(self, message: ListThread, turn: Turn) -> Page[Letter]:
        """A page of a correspondence."""
        row, _ = find_view(await self._store.get_view(message.letter_id), turn.caller)
        after = decode_cursor(message.cursor, tuple[Aware, Id])
        user_id = turn.caller.user_id or ""
        rows = await self._store.list_thread(user_id, row["thread_id"], after, message.limit + 1)
        return await self._letters(rows, message.limit, turn.caller, lambda row: (row["created_at"], row["id"]))

    @handles
    async def list_versions(self, message: ListVersions, turn: Turn) -> Page[LetterVersion]:
        """A page of what a letter said: for its writer alone."""
        row, viewer = find_view(await self._store.get_view(message.letter_id), turn.caller)
        if not viewer.is_sender:
            raise NotFound("no such letter")
        before = decode_cursor(message.cursor, Version)
        rows = await self._store.list_versions(row["id"], _END if before is None else before, message.limit + 1)
        return page_of(rows, message.limit, version_of, lambda row: row["version"])

    @handles
    async def track(self, message: TrackLetter, turn: Turn) -> Page[LetterStep]:
        """A page of a timeline."""
        row, viewer = await self._tracked(message.letter_id, turn.caller)
        after = decode_cursor(message.cursor, StepNumber) or 0
        rows = await self._store.list_steps(row["id"], after, STEPS, message.limit + 1)
        return page_of(rows, message.limit, lambda row: step_of(row, viewer), lambda row: row["n"])

    @handles
    async def read(self, message: ReadByCode, turn: Turn) -> ReadLetter:
        """What a letter says, to whoever has its code; it is counted, and what was delivered is read then."""
        code = _code_in_path(message.code)
        letter_id = await self._store.find_letter(code)
        if letter_id is None:
            raise NotFound("no letter can be read with this code")
        reader = turn.caller.user_id or _stand_in(turn.caller.address, code)
        mark = MarkRead(letter_id=letter_id, code=code, reader=reader)
        await self._ref("letter", letter_id).ask(mark, turn.caller)
        row = await self._store.get_view(letter_id)
        if row is None or row["code"] != code:
            raise NotFound("no letter can be read with this code")
        return read_letter_of(row)

    @handles
    async def draw(self, message: DrawLetter | DrawLetterPng | DrawSheet, turn: Turn) -> Picture:
        """The code of a sealed letter, for who sends or carries it."""
        row = await self._store.get_view(message.letter_id)
        if row is None or not (viewer := Viewer.of(row, turn.caller)).sees_places:
            raise NotFound("no such letter")
        if row["code"] is None:
            raise Conflict("a letter gets its code when it is sealed", **{"from": row["status"], "to": "sealed"})
        return await asyncio.to_thread(_drawn, message, row, viewer, self._base_url)

    @handles
    async def stats(self, message: GetLetterStats, turn: Turn) -> LetterStats:
        """Figures of all letters together."""
        return await figures(message, turn, self._store)

    async def _tracked(self, name: str, caller: Caller) -> tuple[Record, Viewer]:
        """The letter of an id, for whom it concerns; or of a code, for whoever has that."""
        by_id = _is_id(name) is not None
        letter_id = name if by_id else await self._store.find_letter(_code_in_path(name))
        row = None if letter_id is None else await self._store.get_view(letter_id)
        if row is None:
            raise NotFound("no such letter")
        viewer = Viewer.of(row, caller)
        if by_id and not (viewer.is_anybody or viewer.has_carried):
            raise NotFound("no such letter")
        return row, viewer

    async def _begin(self, order: BeginLetter, turn: Turn) -> Letter:
        await self._ref("letter", order.letter_id).ask(order, turn.caller, idempotency=turn.idempotency)
        return await self._show(order.letter_id, turn)

    async def _do(self, message: Any, turn: Turn) -> Letter:
        await self._ref("letter", message.letter_id).ask(message, turn.caller)
        return await self._show(message.letter_id, turn)

    async def _show(self, letter_id: str, turn: Turn) -> Letter:
        return letter_of(*find_view(await self._store.get_view(letter_id), turn.caller))

    async def _letters(
        self, rows: list[Record], limit: int, caller: Caller, key: Callable[[Record], object]
    ) -> Page[Letter]:
        """A page of the letters of these rows, without their words; one that has ended meanwhile is left out."""
        page = page_of(rows, limit, lambda row: str(row["id"]), key)
        views = await self._store.get_views(page.items)
        letters = [letter_of(view, Viewer.of(view, caller), with_words=False) for view in views]
        return Page(letters, page.next_cursor)

    async def _person(self, name: str, turn: Turn) -> str:
        row = await self._store.get_person(turn.caller.user_id or "", name)
        if row is None:
            raise NotFound(f"no such person: {name}", person=name)
        if row["id"] == turn.caller.user_id:
            raise InvalidRequest("a letter goes to somebody else", path="$.recipient")
        user_id: str = row["id"]
        return user_id


def _drawn(message: DrawLetter, row: Record, viewer: Viewer, base_url: str) -> Picture:
    """Where a letter goes is printed as who prints it may see it: couriers look up the rest."""
    place = to_op_of(row, viewer) or ""
    text = letter_text(row["code"], f"{base_url}/api/v1/letters/read/{row['code']}", place)
    if isinstance(message, DrawSheet):
        name = recipient_of(row, viewer)
        lines = [] if name is None else [name.username]
        return letter_sheet(Address(row["code"], place, lines), text)
    return qr_png(text) if isinstance(message, DrawLetterPng) else qr_svg(text)


def _stand_in(address: str, code: str) -> str:
    """What an address is counted by; it cannot be told from it."""
    return blake2b(address.encode(), key=code.encode(), digest_size=12).hexdigest()


def _code_in_path(text: str) -> str:
    """Read a letter code; one that cannot be any names nothing (`NotFound`), and says why."""
    try:
        return normalise_letter_code(text)
    except InvalidRequest as error:
        raise NotFound(error.detail) from None


def _place(code: str | None, path: str) -> str | None:
    return None if code is None else normalise(code, path=path)


def _words(message: CreateLetter | ReplyLetter) -> Words:
    return Words(title=message.title, content=message.content, photos=message.photos, style=message.style)
