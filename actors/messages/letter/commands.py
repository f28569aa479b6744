"""What people ask of letters, and what the house tells a letter's actor."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from actors.messages.fields import Id, Limit, Page
from actors.messages.letter.shapes import (
    Box,
    Content,
    Instructions,
    Letter,
    LetterKind,
    LetterPriority,
    LetterStep,
    LetterVersion,
    Photos,
    ReadLetter,
    Style,
    Terms,
    Title,
    TypedCode,
    VersionNumber,
    Visibility,
    Words,
)
from actors.messages.picture import Picture
from actors.messages.user import Username
from actors.runtime.message import Aware, Command, Query


class CreateLetter(Command[Letter], frozen=True, kw_only=True):
    """Begin a draft. Everything but the sender may be missing until it is sealed."""

    recipient: Username | None = None
    from_op_code: TypedCode | None = None
    to_op_code: TypedCode | None = None
    title: Title = ""
    content: Content = ""
    photos: Photos = []  # noqa: RUF012 - msgspec copies it
    style: Style = "classic"
    anonymous: bool = False
    visibility: Visibility = "private"
    deliver_after: Aware | None = None
    priority: LetterPriority = "normal"
    instructions: Instructions = ""


class ChangeLetter(Command[Letter], frozen=True, kw_only=True):
    """Change what is named of a draft. Other words keep the last ones as a version."""

    letter_id: Id
    recipient: Username | UnsetType | None = UNSET
    from_op_code: TypedCode | UnsetType | None = UNSET
    to_op_code: TypedCode | UnsetType | None = UNSET
    title: Title | UnsetType = UNSET
    content: Content | UnsetType = UNSET
    photos: Photos | UnsetType = UNSET
    style: Style | UnsetType = UNSET
    anonymous: bool | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    deliver_after: Aware | UnsetType | None = UNSET
    priority: LetterPriority | UnsetType = UNSET
    instructions: Instructions | UnsetType = UNSET


class ReplyLetter(Command[Letter], frozen=True, kw_only=True):
    """Begin the answer to a letter that the caller has received: a draft to its sender, in the same thread."""

    letter_id: Id
    title: Title = ""
    content: Content = ""
    photos: Photos = []  # noqa: RUF012 - msgspec copies it
    style: Style = "classic"
    anonymous: bool = False
    priority: LetterPriority = "normal"


class RestoreVersion(Command[Letter], frozen=True, kw_only=True):
    """Let a draft's words be what they once were; what they are now stays as a version."""

    letter_id: Id
    version: VersionNumber


class DeleteLetter(Command[None], frozen=True, kw_only=True):
    """End a draft, with every version."""

    letter_id: Id


class SealLetter(Command[Letter], frozen=True, kw_only=True):
    """Seal a draft: its words are frozen, it gets its code and its delivery task. With ``deliver_after``: later."""

    letter_id: Id


class RecallLetter(Command[Letter], frozen=True, kw_only=True):
    """Take back what nobody has collected yet: it is a draft again, and its code is dead."""

    letter_id: Id


class ArchiveLetter(Command[Letter], frozen=True, kw_only=True):
    """Put a letter away, for oneself."""

    letter_id: Id


class GetLetter(Query[Letter], frozen=True, kw_only=True):
    """One letter. A recipient who looks at a delivered one has read it."""

    letter_id: Id


class ListLetters(Query[Page[Letter]], frozen=True, kw_only=True):
    """The caller's letters, those that changed last first; without their content."""

    box: Box = "sent"
    q: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    limit: Limit = 20
    cursor: str | None = None


class ListVersions(Query[Page[LetterVersion]], frozen=True, kw_only=True):
    """What the words of a letter were, newest first: for its writer."""

    letter_id: Id
    limit: Limit = 20
    cursor: str | None = None


class ListThread(Query[Page[Letter]], frozen=True, kw_only=True):
    """A correspondence as far as the caller may see it, oldest first."""

    letter_id: Id
    limit: Limit = 20
    cursor: str | None = None


class TrackLetter(Query[Page[LetterStep]], frozen=True, kw_only=True):
    """The timeline of a letter, oldest first; by its id or its code. Whoever only knows the code sees masked places."""

    letter_id: TypedCode
    limit: Limit = 20
    cursor: str | None = None


class ReadByCode(Command[ReadLetter], frozen=True, kw_only=True):
    """Read a letter with the code on its envelope, from the moment on at which it is in transit."""

    code: TypedCode


class DrawLetter(Query[Picture], frozen=True, kw_only=True):
    """The code of a sealed letter, ready to print."""

    letter_id: Id


class DrawLetterPng(DrawLetter, frozen=True, kw_only=True):
    """The code of a sealed letter as PNG."""


class DrawSheet(DrawLetter, frozen=True, kw_only=True):
    """A page to print and fold around a sealed letter: address and code."""


class BeginLetter(Command[None], frozen=True, kw_only=True):
    """The first message of a letter's actor."""

    letter_id: str
    kind: LetterKind = "original"
    reply_to: str | None = None
    thread_id: str
    terms: Terms
    words: Words


class AmendLetter(Command[None], frozen=True, kw_only=True):
    """Let a draft be like this; a field that is not named stays. Only the letters' service sends it."""

    letter_id: str
    recipient_id: str | UnsetType | None = UNSET
    from_op: str | UnsetType | None = UNSET
    to_op: str | UnsetType | None = UNSET
    anonymous: bool | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    deliver_after: Aware | UnsetType | None = UNSET
    priority: LetterPriority | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    photos: list[str] | UnsetType = UNSET
    style: Style | UnsetType = UNSET


class Restore(Command[None], frozen=True, kw_only=True):
    """`RestoreVersion`, as the letters' service sends it on to the letter."""

    letter_id: str
    version: int


class Seal(Command[None], frozen=True, kw_only=True):
    """`SealLetter`, sent on."""

    letter_id: str


class Recall(Command[None], frozen=True, kw_only=True):
    """`RecallLetter`, sent on."""

    letter_id: str


class Archive(Command[None], frozen=True, kw_only=True):
    """`ArchiveLetter`, sent on."""

    letter_id: str


class MarkRead(Command[None], frozen=True, kw_only=True):
    """Somebody reads it, with its code or as the recipient: they are counted, and what is delivered is read then."""

    letter_id: str
    code: str | None = None  # that the caller has
    reader: str | None = None  # who is counted: a person, or what stands for an address


class SealDue(Command[None], frozen=True, kw_only=True):
    """A scheduled letter's time has come."""

    letter_id: str
    timer_id: str


class ConcernsCaller(Query[bool], frozen=True, kw_only=True):
    """Whether the caller may listen: the writer, the recipient from the first collection on, whoever carries it."""

    letter_id: str


class LoseSender(Command[None], frozen=True, kw_only=True):
    """The account of a letter's sender has ended: what nobody has collected goes with it."""

    letter_id: str


class BindLetter(Command[None], frozen=True, kw_only=True):
    """Let a letter be known by a label, for ever."""

    letter_id: str
    label: str
