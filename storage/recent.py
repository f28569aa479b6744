"""What this house has committed last: who follows the event table need not read that back."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter

from storage.events import EventRow

MOST_EVENTS = 4_000
MOST_BYTES = 4 * 1024 * 1024
"""Of one lane in memory, twice as much for a moment; who lags further behind reads the table."""
Lane = tuple[int, int]
"""(house, lane)"""
_seq = attrgetter("seq")


class Window:
    """All events of the wanted types of one lane with ``start`` < seq <= ``end``; ``next`` is where the lane goes on.

    Between ``end`` and ``next`` there is nothing: a statement that stores events by itself leaves numbers over.
    """

    __slots__ = ("end", "events", "next", "size", "start")

    def __init__(self, start: int) -> None:
        self.start = self.end = start
        self.next = start + 1
        self.events: list[EventRow] = []
        self.size = 0  # of their bodies, in bytes

    def append(self, events: Sequence[EventRow], end: int) -> None:
        """Take what follows: all that is wanted from the window's end up to ``end``."""
        self.events += events
        self.size += sum(len(event.body) for event in events)
        self.end, self.next = end, end + 1
        while len(self.events) > 2 * MOST_EVENTS or self.size > 2 * MOST_BYTES:  # not each time: cutting moves the rest
            self.forget(self.events[len(self.events) // 2].seq)

    def between(self, after: int, head: int, most: int) -> tuple[Sequence[EventRow], int] | None:
        """Up to ``most`` events with ``after`` < seq <= ``head``, and the seq that is reached; None: see `Recent`."""
        if not self.start <= after < self.end:
            return None
        events, first = self.events, bisect_right(self.events, after, key=_seq)
        last = bisect_right(events, head, key=_seq)
        if last - first > most:
            return events[first : first + most], events[first + most - 1].seq
        return events[first:last], min(head, self.end)

    def forget(self, seq: int) -> None:
        """Let events up to ``seq`` go."""
        if self.start < seq <= self.end:
            gone = bisect_right(self.events, seq, key=_seq)
            self.size -= sum(len(event.body) for event in self.events[:gone])
            del self.events[:gone]
            self.start = seq


class Recent:
    """The newest committed events of each lane, in order of commit, without gaps.

    The journal adds what it has committed; what was missing is added by whoever has read it from the table. Nothing is
    kept before somebody follows.
    """

    def __init__(self) -> None:
        self._windows: dict[Lane, Window] = {}
        self._heads: dict[Lane, int] = {}
        self._types: frozenset[str] = frozenset()
        self._wake: Callable[[], None] = _nobody
        self.is_stale = True
        """Whether the table may hold something new that was not added: what SQL has made itself, and all at first."""

    def follow(self, types: Iterable[str], wake: Callable[[], None]) -> None:
        """Keep events of these types from now on; ``wake`` is called after each commit and must not raise."""
        self._types, self._wake = frozenset(types), wake
        self._windows.clear()  # of which these types were left out

    def add(self, lane: Lane, events: Sequence[EventRow], block: range | None = None) -> None:
        """Take all events of a transaction that is committed for sure. Each lane's come in order of commit.

        ``block`` are the numbers that the transaction had for itself, where its events have not used them all.
        """
        numbers = block or range(events[0].seq, events[-1].seq + 1)
        window = self._windows.get(lane)
        if window is None or window.next != numbers.start:  # between them may lie what was committed unknown to us
            window = self._windows[lane] = Window(numbers.start - 1)
        if events:
            wanted = [event for event in events if event.type in self._types]
            self._heads[lane] = events[-1].seq
            window.append(wanted, events[-1].seq)
            if wanted:
                self._wake()
        window.next = numbers.stop

    def stir(self) -> None:
        """Something was committed that only the table knows."""
        self.is_stale = True
        self._wake()

    def fill(self, lane: Lane, after: int, events: Sequence[EventRow], reached: int) -> None:
        """Take what was read from the table: all that is wanted with ``after`` < seq <= ``reached``.

        Left alone where that does not continue what is here.
        """
        window = self._windows.get(lane)
        if window is None or window.end < after:
            window = self._windows[lane] = Window(after)
        if window.end == after:
            window.append(events, reached)

    def between(self, lane: Lane, after: int, head: int, most: int) -> tuple[Sequence[EventRow], int] | None:
        """The next events behind ``after``, of every type that somebody wants, and the seq that is reached with them.

        None when the table must be read: what comes next is not here (any more).
        """
        window = self._windows.get(lane)
        return None if window is None else window.between(after, head, most)

    def heads(self) -> Mapping[Lane, int]:
        """The last seq of each lane that something was added to."""
        return self._heads

    def forget(self, lane: Lane, seq: int) -> None:
        """Let go what everybody has heard."""
        if (window := self._windows.get(lane)) is not None:
            window.forget(seq)


def _nobody() -> None:
    pass
