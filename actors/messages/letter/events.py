"""What has happened to a letter. A body is its publication on the channel ``letter:<id>``, but for ``private``.

What stands there stays in the house (`app.letter_channels`).
"""

import msgspec

from actors.messages.delivery import Task
from actors.messages.letter.shapes import LetterKind, Terms
from actors.runtime.message import Event


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What only the house knows of a beginning."""

    sender_id: str
    kind: LetterKind
    reply_to: str | None
    thread_id: str
    terms: Terms
    title: str


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What only the house knows of a change."""

    terms: Terms
    title: str


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What only the house knows of a move. ``place`` is whole."""

    sender_id: str
    recipient_id: str | None
    title: str
    terms: Terms
    code: str | None = None
    place: str | None = None
    courier_id: str | None = None
    note: str | None = None


class Archived(msgspec.Struct, frozen=True, kw_only=True):
    """Who has put it away."""

    by_sender: bool
    by_recipient: bool


class LetterBegun(Event, frozen=True, kw_only=True, tag="letter.begun"):
    """A draft is there."""

    letter_id: str
    private: Begun


class LetterChanged(Event, frozen=True, kw_only=True, tag="letter.changed"):
    """A draft is now like this."""

    letter_id: str
    version: int
    private: Changed


class LetterMoved(Event, frozen=True, kw_only=True, tag="letter.moved", rename={"from_": "from"}):
    """A letter has another status. ``place`` is where it was seen, masked; None where that says nothing."""

    letter_id: str
    from_: str
    to: str
    place: str | None = None
    private: Moved


class LetterArchived(Event, frozen=True, kw_only=True, tag="letter.archived"):
    """Somebody has put the letter away, for themselves."""

    letter_id: str
    private: Archived


class LetterLabelled(Event, frozen=True, kw_only=True, tag="letter.labelled"):
    """The letter is known by a label, too."""

    letter_id: str
    label: str


class LetterDeleted(Event, frozen=True, kw_only=True, tag="letter.deleted"):
    """The draft is no more."""

    letter_id: str


class DeliveryOffered(Event, frozen=True, kw_only=True, tag="delivery.offered"):
    """There is something to carry: a letter was sealed, or somebody is to try again."""

    letter_id: str
    task_id: str
    private: Task


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """What only the house knows of a change of a task: how it is now, who had it before, why, and who should act."""

    task: Task
    before_id: str | None = None
    note: str | None = None
    parent_id: str | None = None


class DeliveryChanged(Event, frozen=True, kw_only=True, tag="delivery.changed", rename={"from_": "from"}):
    """A task was taken, moved, handed over, given back. ``step`` says what was done."""

    letter_id: str
    task_id: str
    step: str
    from_: str
    to: str
    place: str | None = None
    private: Handled
