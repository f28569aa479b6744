"""What lies in a mailbox: the message and everything that travels with it."""

from asyncio import Future
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from actors.runtime.actor import Idempotency
from actors.runtime.errors import AlreadyDone
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller, reply_type
from actors.runtime.ports import Clock


class Envelope(msgspec.Struct, gc=False):
    """A message on its way. It is also the `Turn` that a handler sees.

    ``id`` and ``now`` are made when first asked for: most turns of a hot actor need neither, and together
    they cost more (1.1 us) than everything else that happens to a tell (0.5 us).
    """

    message: Any
    caller: Caller
    handler: Any  # kind.Handler
    clock: Clock
    sent: float  # monotonic, as exact as the tick
    traceparent: str = ""
    reply: "Future[Any] | None" = None
    deadline: float | None = None  # on the monotonic clock; None for tell
    idempotency: Idempotency | None = None
    cause: str | None = None
    attempt: int = 0  # how often it has crashed its actor
    moment: datetime | None = None
    is_alone: bool = False  # it was part of a joint turn that was refused

    @property
    def id(self) -> str:
        """The cause of every event that this turn makes."""
        if self.cause is None:
            self.cause = uuid7()
        return self.cause

    @property
    def now(self) -> datetime:
        """One moment for the whole turn, UTC."""
        if self.moment is None:
            self.moment = self.clock.now()
        return self.moment

    @property
    def is_ask(self) -> bool:
        """Whether somebody waits for the answer; a tell's ``reply`` only tells its transport that it is done."""
        return self.deadline is not None

    @property
    def is_abandoned(self) -> bool:
        """See `Turn`. What came from another house never is: its asker's leaving does not travel."""
        return self.reply is not None and self.reply.done()

    def on_abandoned(self, callback: Callable[[], None]) -> None:
        """See `Turn`."""
        if self.reply is not None:
            self.reply.add_done_callback(lambda _: callback())

    def answer(self, reply: Any) -> None:
        """Give the asker the reply, if somebody still waits for it."""
        if self.reply is not None and not self.reply.done():
            self.reply.set_result(reply)

    def refuse(self, error: Exception) -> None:
        """Give the asker an error, if somebody still waits."""
        if self.reply is not None and not self.reply.done():
            self.reply.set_exception(error)
        self.reply = None  # an error remembers frames, and they us: see `gc`

    def refuse_duplicate(self) -> None:
        """Answer for a turn that took effect before: None where that is the whole answer, else `AlreadyDone`."""
        if not self.is_ask or reply_type(self.message.__class__) in {None, type(None)}:
            self.answer(None)
        else:
            self.refuse(AlreadyDone("this has been done before"))


class Current(NamedTuple):
    """What runs right now: messages sent from here belong to it."""

    kind: str | None  # None: not inside an actor
    traceparent: str  # W3C trace context, "" when nobody traces


CURRENT: ContextVar[Current | None] = ContextVar("current", default=None)
"""Edges set it to ``Current(None, traceparent)``; the runtime sets it around every turn that may send."""
