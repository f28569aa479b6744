"""What is said to and by labels: codes that are printed before there is a letter."""

from typing import Annotated, Literal

import msgspec

from actors.messages.delivery import ScannedCode
from actors.messages.fields import Id, Limit, Page
from actors.messages.picture import Picture
from actors.runtime.message import Aware, Command, Event, Query

LabelStatus = Literal["unbound", "bound", "in_transit", "delivered", "expired", "cancelled"]
MOST_LABELS = 480
"""Of one batch: 20 sheets."""


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A label. ``letter_id`` is shown to whom the letter concerns."""

    code: str
    status: LabelStatus
    batch_id: str
    letter_id: str | None
    changed_at: Aware


class LabelBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Labels that were printed together; ``sheets`` pages of 24."""

    id: str
    made_by: str
    count: int
    sheets: int
    note: str
    expires_at: Aware
    created_at: Aware


class MakeLabels(Command[LabelBatch], frozen=True, kw_only=True):
    """Make a batch of labels: couriers of level 3 and above, administrators."""

    count: Annotated[int, msgspec.Meta(ge=1, le=MOST_LABELS)]
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""


class ListBatches(Query[Page[LabelBatch]], frozen=True, kw_only=True):
    """Batches that the caller has made (administrators: everybody's), newest first."""

    limit: Limit = 20
    cursor: str | None = None


class GetBatch(Query[LabelBatch], frozen=True, kw_only=True):
    """One batch."""

    batch_id: Id


class ListLabels(Query[Page[Label]], frozen=True, kw_only=True):
    """The labels of a batch, by code."""

    batch_id: Id
    limit: Limit = 20
    cursor: str | None = None


class DrawLabels(Query[Picture], frozen=True, kw_only=True):
    """A page of labels to print."""

    batch_id: Id
    page: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1


class GetLabel(Query[Label], frozen=True, kw_only=True):
    """A label by its code."""

    code: ScannedCode


class BindLabel(Command[Label], frozen=True, kw_only=True):
    """Let a label mean a letter of the caller's, or one whose task they hold: once, for ever."""

    code: ScannedCode
    letter_id: Id


class CancelLabel(Command[Label], frozen=True, kw_only=True):
    """Let a label that is not bound mean nothing: a lost sheet. Who has made it, or an administrator."""

    code: ScannedCode


class ExpireLabels(Command[None], frozen=True, kw_only=True):
    """The time of a batch is over: what is not bound expires."""

    batch_id: str
    timer_id: str


class LabelsMade(Event, frozen=True, kw_only=True, tag="label_batch.made"):
    """A batch was made."""

    batch: LabelBatch
