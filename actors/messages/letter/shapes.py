"""Letters as they look, and what their fields hold."""

from typing import Annotated, Literal

import msgspec

from actors.messages.user import Text
from actors.runtime.message import Aware

LetterStatus = Literal[
    "draft", "scheduled", "sealed", "collected", "in_transit", "delivered", "failed", "read", "archived"
]
LetterKind = Literal["original", "reply"]
Style = Literal["classic", "modern", "vintage", "elegant", "casual"]
Visibility = Literal["private", "public"]
LetterPriority = Literal["normal", "urgent", "express"]
Box = Literal["drafts", "sent", "received", "archived"]

Title = Annotated[Text, msgspec.Meta(max_length=200)]
Content = Annotated[str, msgspec.Meta(max_length=20_000)]
PhotoId = Annotated[Text, msgspec.Meta(min_length=1, max_length=200)]
Photos = Annotated[list[PhotoId], msgspec.Meta(max_length=20)]
Instructions = Annotated[str, msgspec.Meta(max_length=500)]
TypedCode = Annotated[Text, msgspec.Meta(min_length=1, max_length=40)]
"""A code as somebody typed or scanned it: lower case, spaces and dashes are accepted."""
VersionNumber = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class Correspondent(msgspec.Struct, frozen=True):
    """A writer or a recipient as the other one sees them."""

    id: str
    username: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A letter as the caller may see it.

    ``sender`` is None where it is anonymous to the caller; ``content`` is None until the caller may read it. OP codes
    are whole or masked (``PK5F**``). ``status`` is ``archived`` for who has archived it.
    """

    id: str
    code: str | None
    label: str | None
    sender: Correspondent | None
    recipient: Correspondent | None
    from_op_code: str | None
    to_op_code: str | None
    title: str
    content: str | None
    photos: list[str]
    style: Style
    kind: LetterKind
    reply_to: str | None
    thread_id: str
    anonymous: bool
    visibility: Visibility
    deliver_after: Aware | None
    priority: LetterPriority
    instructions: str
    status: LetterStatus
    version: int
    read_count: int
    task_id: str | None
    created_at: Aware
    changed_at: Aware
    sealed_at: Aware | None
    collected_at: Aware | None
    in_transit_at: Aware | None
    delivered_at: Aware | None
    failed_at: Aware | None
    read_at: Aware | None
    archived_at: Aware | None


class ReadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A letter as whoever holds its code reads it."""

    code: str
    sender: Correspondent | None
    title: str
    content: str
    photos: list[str]
    style: Style
    kind: LetterKind
    status: LetterStatus
    to_op_code: str
    read_count: int
    sealed_at: Aware | None
    delivered_at: Aware | None


class LetterVersion(msgspec.Struct, frozen=True, kw_only=True):
    """The words of a letter as they once were."""

    version: int
    title: str
    content: str
    photos: list[str]
    style: Style
    at: Aware


class LetterStep(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """One line of a letter's timeline. ``place`` is masked for strangers; ``courier_id`` is shown to couriers."""

    n: int
    step: str
    from_: str | None
    to: str | None
    place: str | None
    courier_id: str | None
    note: str | None
    at: Aware


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a letter says of itself, beside its words. OP codes are normalised."""

    recipient_id: str | None = None
    hides_recipient: bool = False  # the writer does not know whom they answer
    from_op: str | None = None
    to_op: str | None = None
    hides_place: bool = False  # the writer has not named ``to_op``
    anonymous: bool = False
    visibility: Visibility = "private"
    deliver_after: Aware | None = None
    priority: LetterPriority = "normal"
    instructions: str = ""


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a letter."""

    title: str = ""
    content: str = ""
    photos: list[str] = []
    style: Style = "classic"
