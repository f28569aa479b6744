"""From rows to what people see of letters: who wrote it, where it goes, what it says, each only to whom it concerns."""

from typing import Any, NamedTuple

import msgspec

from actors.authority import masked
from actors.errors import NotFound
from actors.messages.letter import Correspondent, Letter, LetterVersion, ReadLetter
from actors.runtime.message import Caller
from storage.postgres import Record

_photos = msgspec.json.Decoder(list[str]).decode
_couriers = msgspec.json.Decoder(list[str]).decode
_PLAIN = (
    "id", "title", "style", "kind", "reply_to", "thread_id", "anonymous", "visibility", "deliver_after", "priority",
    "version", "read_count", "created_at", "changed_at", "sealed_at", "collected_at", "in_transit_at", "delivered_at",
    "failed_at", "read_at",
)  # fmt: skip


class Viewer(NamedTuple):
    """What somebody is to a letter."""

    is_sender: bool
    is_recipient: bool
    is_admin: bool
    has_carried: bool
    is_public: bool  # the letter is, and has arrived

    @classmethod
    def of(cls, row: Record, caller: Caller) -> "Viewer":
        """Find out. A recipient knows of a letter from its first collection on."""
        user_id = caller.user_id
        return cls(
            is_sender=user_id is not None and user_id == row["sender_id"],
            is_recipient=user_id is not None and user_id == row["recipient_id"] and row["collected_at"] is not None,
            is_admin=caller.is_admin,
            has_carried=user_id in _couriers(row["couriers"]),
            is_public=row["visibility"] == "public" and row["delivered_at"] is not None,
        )

    @property
    def is_anybody(self) -> bool:
        """Whether there is such a letter for them."""
        return self.is_sender or self.is_recipient or self.is_admin or self.is_public

    @property
    def sees_places(self) -> bool:
        """Whether the places on the way are shown whole; where the writer is hidden, to the recipient they are not."""
        return self.is_sender or self.is_admin or self.has_carried


def find_view(row: Record | None, caller: Caller) -> tuple[Record, Viewer]:
    """Return the row, and what the caller is to it. Raises `NotFound`: to a stranger there is none."""
    if row is not None:
        viewer = Viewer.of(row, caller)
        if viewer.is_anybody:
            return row, viewer
    raise NotFound("no such letter")


def letter_of(row: Record, viewer: Viewer, *, with_words: bool = True) -> Letter:
    """A letter as somebody may see it."""
    mine = viewer.is_sender or viewer.is_admin
    concerned = mine or viewer.is_recipient
    archived_at = _archived_at(row, viewer)
    opened = with_words and _may_read(row, viewer)
    fields: dict[str, Any] = {name: row[name] for name in _PLAIN}
    return Letter(
        code=row["code"] if concerned else None,
        label=row["label"] if concerned else None,
        sender=_sender(row) if mine or not row["anonymous"] else None,
        recipient=recipient_of(row, viewer),
        from_op_code=_from_op(row, viewer),
        to_op_code=to_op_of(row, viewer),
        content=row["content"] if opened else None,
        photos=_photos(row["photos"]) if opened else [],
        instructions=row["instructions"] if mine else "",
        status="archived" if archived_at is not None else row["status"],
        task_id=row["task_id"] if mine else None,
        archived_at=archived_at,
        **fields,
    )


def read_letter_of(row: Record) -> ReadLetter:
    """A letter as whoever has its code reads it."""
    return ReadLetter(
        code=row["code"], sender=None if row["anonymous"] else _sender(row), title=row["title"],
        content=row["content"], photos=_photos(row["photos"]), style=row["style"], kind=row["kind"],
        status=row["status"], to_op_code=_shown(row["to_op"], whole=row["is_to_public"]) or "",
        read_count=row["read_count"], sealed_at=row["sealed_at"], delivered_at=row["delivered_at"],
    )  # fmt: skip


def version_of(row: Record) -> LetterVersion:
    """What a letter once said."""
    return LetterVersion(**{**dict(row), "photos": _photos(row["photos"])})


def _archived_at(row: Record, viewer: Viewer) -> Any:
    if viewer.is_sender:
        return row["sender_archived_at"]
    return row["recipient_archived_at"] if viewer.is_recipient else None


def _may_read(row: Record, viewer: Viewer) -> bool:
    """Administrators see that there is a private letter, and not what it says."""
    return viewer.is_sender or viewer.is_public or (viewer.is_recipient and row["in_transit_at"] is not None)


def _sender(row: Record) -> Correspondent | None:
    return None if row["sender_name"] is None else Correspondent(row["sender_id"], row["sender_name"])


def recipient_of(row: Record, viewer: Viewer) -> Correspondent | None:
    """Who gets it, for whom that is no secret."""
    if row["recipient_name"] is None:
        return None
    hidden = viewer.is_sender and row["hides_recipient"] and not viewer.is_admin
    knows = (viewer.is_sender or viewer.is_recipient or viewer.is_admin) and not hidden
    return Correspondent(row["recipient_id"], row["recipient_name"]) if knows else None


def _from_op(row: Record, viewer: Viewer) -> str | None:
    """Where a letter comes from tells who has written it."""
    if viewer.is_sender or viewer.is_admin:
        return _shown(row["from_op"], whole=True)
    return None if row["anonymous"] else _shown(row["from_op"], whole=row["is_from_public"])


def to_op_of(row: Record, viewer: Viewer) -> str | None:
    """Where it goes, as far as somebody may see it."""
    has_named = viewer.is_sender and not row["hides_place"]
    return _shown(row["to_op"], whole=has_named or viewer.is_recipient or viewer.is_admin or row["is_to_public"])


def _shown(code: str | None, *, whole: bool) -> str | None:
    return code if whole or code is None else masked(code)
