"""What can go wrong between an asker and an actor.

DomainError              an answer: the actor said no and goes on
    Unavailable          a dependency is down (503); never counted against the actor
        Overloaded       a mailbox is full (503); nothing was started
    TimedOut             no answer before the deadline (504); the outcome is unknown
    AlreadyDone          this very turn took effect before (409); its first answer is gone
    Internal             the actor crashed (500); opaque to the asker, the log has the rest

A plain ``ConnectionError`` that leaves a handler or the journal means the same as ``Unavailable``.
"""

from typing import ClassVar


class DomainError(Exception):
    """An answer that says no. ``code`` is stable; ``detail`` is for people; ``extra`` joins the problem document."""

    code: ClassVar[str] = "internal"

    def __init__(self, detail: str = "", **extra: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra


class Unavailable(DomainError):  # noqa: N818 - reads as the answer
    """Something this needs is down. Nothing was changed; try again after ``retry_after`` seconds."""

    code = "unavailable"

    def __init__(self, detail: str = "temporarily unavailable", retry_after: float = 1.0, **extra: object) -> None:
        super().__init__(detail, **extra)
        self.retry_after = retry_after


class Overloaded(Unavailable):
    """A mailbox is full. The message was not accepted."""

    code = "overloaded"


class TimedOut(DomainError):  # noqa: N818 - reads as the answer
    """No answer before the deadline: the command may still take effect. Retry with the same idempotency key."""

    code = "timeout"


class AlreadyDone(DomainError):  # noqa: N818 - reads as the answer
    """A turn with the same cause took effect before. Nothing was changed now; its first answer is not kept."""

    code = "conflict"


class Internal(DomainError):  # noqa: N818 - reads as the answer
    """The actor crashed while it handled the message. The log has the rest."""

    code = "internal"
