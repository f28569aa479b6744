"""What actors say to each other: frozen structs that travel by reference, and can be packed.

No ``from __future__ import annotations`` in modules that define messages: msgspec reads annotations at run time.
"""

import sys
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ForwardRef, Generic, TypeVar, get_args, get_origin

import msgspec

R = TypeVar("R")

Secret = Annotated[str, msgspec.Meta(extra={"secret": True})]
"""Text that never enters a log, a dead letter or another process (passwords, tokens)."""

Aware = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with its time zone; UTC everywhere inside."""


class Caller(msgspec.Struct, frozen=True):
    """Who asks. Travels in the envelope, never in a body."""

    user_id: str | None = None  # None: nobody is logged in
    role: str = "anonymous"  # anonymous, user, vip, admin, super_admin, system
    session_id: str | None = None
    api_key_id: str | None = None
    scopes: frozenset[str] = frozenset({"read", "write"})
    request_id: str = ""
    address: str = ""
    user_agent: str = ""

    @property
    def is_admin(self) -> bool:
        """Whether the caller administers the house."""
        return self.role in {"admin", "super_admin", "system"}


ANONYMOUS = Caller()
SYSTEM = Caller(role="system")


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Anything that can lie in a mailbox."""


class Command(Message, Generic[R], frozen=True, kw_only=True):
    """Asks for a change; ``await ref.ask(command)`` is typed ``R``."""


class Query(Message, Generic[R], frozen=True, kw_only=True):
    """Asks for a view and changes nothing; ``await ref.ask(query)`` is typed ``R``."""


@cache
def reply_type(message_type: type) -> Any:
    """Return R of the ``Command[R]`` or ``Query[R]`` that a message type (or a parent of it) is.

    Raises:
        TypeError: it is neither.
    """
    for parent in message_type.__mro__:
        for base in getattr(parent, "__orig_bases__", ()):
            if get_origin(base) in {Command, Query}:
                return _resolved(get_args(base)[0], parent)
    raise TypeError(f"{message_type.__name__} is neither a Command[R] nor a Query[R]")


def _resolved(reply: Any, message_type: type) -> Any:
    """Look a type up that was named before it was defined (``Command["Later"]``)."""
    return vars(sys.modules[message_type.__module__])[reply.__forward_arg__] if isinstance(reply, ForwardRef) else reply


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What happened, in the past tense. Every subclass names itself: ``class TaskFailed(Event, tag="task.failed")``.

    Its JSON form is the row in the event table and, on a realtime channel, the publication's data.
    """

    at: Aware
