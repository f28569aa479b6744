"""What the runtime asks of the world around it. ``storage`` and ``app`` fit these shapes without importing them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class Clock(Protocol):
    """Time, so that tests can own it."""

    def now(self) -> datetime:
        """The wall clock in UTC, corrected by the measured offset to the database's clock."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...


class Stored(NamedTuple):
    """One event on its way into the event table, and after COMMIT to the publisher."""

    stream: str
    n: int  # 1, 2, 3 ... without gaps inside its stream
    type: str
    body: bytes  # JSON, as it is stored and published
    at: datetime
    cause: str | None = None  # None: the turn itself
    caller: str | None = None  # None: the turn's


class Journal(Protocol):
    """Executes what a turn decided: all of it in one transaction, or nothing.

    Raises ``ConnectionError`` when nothing was changed because the database (or this house's right to
    write) is gone; ``TimeoutError`` when the outcome is unknown and could not be resolved;
    the write's own ``otherwise`` when an expectation was not met; ``DuplicateTurn`` when ``cause`` has
    already taken effect.

    A turn may speak for several messages of one actor: then each event names its own cause and caller.
    """

    async def commit(
        self, *, lane: str, cause: str, caller: str | None, events: Sequence[Stored], writes: Sequence[Any]
    ) -> list[list[Any]]:
        """Commit one turn. ``lane`` is hashed to a serial lane. Returns the rows of each write, in order."""
        ...

    async def commit_together(
        self, *, statement: Any, args: Sequence[Any], follow: Callable[[list[Any]], Sequence[Any]] | None
    ) -> list[Any]:
        """Commit a batch of turns of a shared noun as one fenced statement, on the shared lane. Returns its rows.

        ``follow`` turns those rows into further writes of the same transaction (``None``: the statement is the
        whole transaction and pays one round trip).
        """
        ...


class DuplicateTurn(Exception):  # noqa: N818 - not an error: the command has taken effect before
    """A turn with this cause has been committed before; it took effect once."""


class Publisher(Protocol):
    """Hears of every event right after COMMIT, in order inside a stream. Must not block or raise."""

    def publish(self, events: Sequence[Stored]) -> None:
        """Hand committed events to whoever listens in this process."""
        ...


class DeadLetters(Protocol):
    """Keeps messages that crashed their actor three times."""

    async def store(self, letter: "DeadLetter") -> None:
        """Store one. May raise; the runtime then keeps it in a bounded ring and the log."""
        ...


class DeadLetter(NamedTuple):
    """A message that could not be handled, without its secrets."""

    id: str
    kind: str
    key: str
    message_type: str
    message: bytes  # MessagePack, secrets blanked
    caller: bytes  # MessagePack of the Caller
    error: str
    attempts: int
    at: datetime
