"""What administrators may ask about what leaves the house for people who are not here: e-mail, push, SMS."""

from typing import Literal

import msgspec

from actors.messages.fields import Id, Limit, Page
from actors.messages.notification import Priority
from actors.runtime.message import Aware, Command, Query

OutgoingState = Literal["waiting", "sent", "dead", "dropped"]
OutgoingChannel = Literal["email", "sms", "push"]


class OutgoingView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that leaves the house: neither its content nor its address, which are between two people.

    ``waiting`` also while it is under way; ``dead``: it was refused, or its attempts are used up; ``dropped``: it was
    needless, and ``error`` says why. ``due_at`` is when it is tried next, or was tried last.
    """

    id: str
    user_id: str
    channel: OutgoingChannel
    type: str
    priority: Priority
    state: OutgoingState
    attempts: int
    due_at: Aware
    error: str | None
    created_at: Aware
    ended_at: Aware | None


class ListOutgoing(Query[Page[OutgoingView]], frozen=True, kw_only=True):
    """What leaves the house, newest first."""

    state: OutgoingState | None = None
    channel: OutgoingChannel | None = None
    user_id: Id | None = None
    limit: Limit = 20
    cursor: str | None = None


class RetryOutgoing(Command[OutgoingView], frozen=True, kw_only=True):
    """Try it now, attempts counted anew: what is dead, or waits for its time."""

    outgoing_id: Id


class DeleteOutgoing(Command[None], frozen=True, kw_only=True):
    """Forget it, whatever its state. What is under way arrives all the same."""

    outgoing_id: Id
