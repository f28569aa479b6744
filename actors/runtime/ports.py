"""What the runtime asks of the world around it. ``storage`` and ``app`` fit these shapes without importing them."""

from collections.abc import Callable, Mapping, Sequence
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
        self,
        *,
        statement: Any,
        args: Sequence[Any],
        follow: Callable[[list[Any]], Sequence[Any]] | None,
        told: Callable[[list[Any]], Sequence[Stored | None] | None],
    ) -> list[Any]:
        """Commit a batch of turns of a shared noun as one fenced statement, on the shared lane. Returns its rows.

        ``follow`` turns those rows into further writes of the same transaction (``None``: the statement is the
        whole transaction and pays one round trip). ``told`` says which event was stored for each row (None: the
        table alone knows); it is called after COMMIT, and what it raises is raised.
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


class HouseSeen(Protocol):
    """One house as the table of houses has it."""

    @property
    def id(self) -> int:
        """Its number: the same for every incarnation of one name."""
        ...

    @property
    def incarnation(self) -> int:
        """Its present life; a start makes a new one."""
        ...

    @property
    def alive(self) -> bool:
        """False: nothing that it decides can be committed any more."""
        ...

    @property
    def is_expired(self) -> bool:
        """Whether its lease has run out, on the database's clock."""
        ...

    @property
    def is_leaving(self) -> bool:
        """Whether it is about to stop, and wants no partitions."""
        ...

    @property
    def is_counted(self) -> bool:
        """Whether others count on it: it has joined, or its earlier life would still count."""
        ...

    @property
    def heard_seconds_ago(self) -> float | None:
        """How long ago it last reached what carries mail, on the database's clock; it says so every few seconds.

        None: it has just started, and nobody knows yet.
        """
        ...


class PartitionSeen(Protocol):
    """One partition as the table has it."""

    @property
    def number(self) -> int:
        """0 to 255."""
        ...

    @property
    def incarnation(self) -> int | None:
        """Of the living house that owns it; None: nobody does."""
        ...

    @property
    def epoch(self) -> int:
        """Grows by one with every new owner: at most one house owns a partition in an epoch."""
        ...


class PlacementRows(Protocol):
    """Who owns which partition: rows that outlive every house. For one house's eyes; each call is one transaction.

    Everything raises ``ConnectionError`` when the database is away or this house was declared dead, and
    ``TimeoutError`` when nobody knows what has happened; the next look tells.
    """

    async def list_houses(self) -> Sequence[HouseSeen]:
        """Return every house that is alive, expired or not."""
        ...

    async def list_partitions(self) -> Sequence[PartitionSeen]:
        """Return all partitions, by number."""
        ...

    async def claim(self, numbers: Sequence[int]) -> Mapping[int, int]:
        """Make this house the owner of those that are nobody's or its own; return the new epoch of each that it got.

        A partition is nobody's when it was released, or when its owner's incarnation is not alive any more.
        """
        ...

    async def release(self, epochs: Mapping[int, int]) -> None:
        """Make those (number -> epoch) nobody's that are still this house's in this very epoch.

        So a release that was given up, and comes to pass later all the same, takes away nothing that was claimed anew.
        """
        ...

    async def join(self) -> None:
        """Say that this house can serve: from now on it counts for all. To say it again changes nothing."""
        ...

    async def leave(self) -> None:
        """Say that this house is about to stop."""
        ...

    async def bury(self, incarnation: int) -> bool:
        """Declare an incarnation dead whose lease has run out; it can commit nothing from then on.

        Its connections are ended, and its open transactions over, before this returns. False: it is not expired (it
        has renewed its lease), or was declared dead before.
        """
        ...


class Lease(Protocol):
    """This house's right to own partitions."""

    @property
    def id(self) -> int:
        """The house's number."""
        ...

    @property
    def incarnation(self) -> int:
        """The house's present life."""
        ...

    def is_held(self) -> bool:
        """Whether it surely lasts for a margin (2 s) more, however long this process was stopped meanwhile."""
        ...


class Holder(Protocol):
    """What holds the actors of partitions in this house: the transport."""

    def open(self, epochs: Mapping[int, int]) -> None:
        """Begin to own partitions (number -> epoch): read their mail, let their actors work."""
        ...

    def close(self, numbers: Sequence[int]) -> None:
        """Begin to give partitions up: no mail is started any more, turns that have begun go on, idle actors go."""
        ...

    def is_closed(self, number: int) -> bool:
        """Whether nothing of a partition is left here: its turns have ended, and what is done is settled."""
        ...

    def drop(self, numbers: Sequence[int]) -> None:
        """Give partitions up at once, whatever is under way: turns that still run belong to nobody.

        Who waits for one that came from this house hears `Unavailable` (not started) or what it comes to; what came
        from elsewhere stays in its stream for the next owner.
        """
        ...

    def failed_seconds_ago(self) -> float | None:
        """How long ago this house has tried in vain to reach what carries mail; None: the last try was answered."""
        ...

    def tell_moved(self, incarnations: Sequence[int]) -> None:
        """Tell other houses, soon, that partitions have moved: they need not wait for their next look. May be lost."""
        ...


Entry = tuple[str, bytes, bytes]
"""What lies in a stream: (stream, id, data). An id is opaque; later entries of a stream compare greater by `Mail`."""


class MailReader(Protocol):
    """Reads streams over a connection of its own; one read at a time."""

    async def read(self, after: Mapping[str, bytes], count: int, block_seconds: float) -> Sequence[Entry]:
        """Return entries behind the given ids (b"0": from the beginning), up to ``count`` a stream.

        Ordered inside a stream. Waits up to ``block_seconds`` (at most 2) for the first; nothing came: empty. Reading
        takes nothing away: what was returned, or was lost on the way here, can be read again until it is deleted.
        A stream that does not exist is an empty one.

        Raises ``ConnectionError`` or ``TimeoutError``: read again.
        """
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


class Mail(Protocol):
    """The few operations on streams that carry mail between houses. May lose everything at any moment.

    All raise ``ConnectionError``: nothing was appended; ``TimeoutError``: nobody knows what was done (of a `write`:
    nothing, a part, or all of it; now or a little later). Both within 1 s.
    """

    async def write(
        self, appends: Sequence[tuple[str, bytes]], done: Mapping[str, Sequence[bytes]]
    ) -> Mapping[str, int]:
        """Append (stream, data) in order, then delete entries by stream and id; one round trip.

        Returns lengths of streams that were appended to, of each at least several times a second. Streams whose name
        begins with ``re:`` or ``poke:`` belong to one incarnation, and vanish a minute after the last append.
        """
        ...

    async def lengths(self, streams: Sequence[str]) -> Sequence[int]:
        """Return how many entries each stream holds."""
        ...

    async def now_ms(self) -> int:
        """Return the server's clock, the one that all houses share."""
        ...

    def reader(self) -> MailReader:
        """Return a new reader."""
        ...
