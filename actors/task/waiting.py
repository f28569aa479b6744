"""Workers that wait for tasks: parked without a connection, woken after the COMMIT that made tasks due."""

import asyncio
from collections.abc import Iterable
from typing import Protocol


class Waiter:
    """A request that waits for tasks of some types."""

    __slots__ = ("capacity", "rung", "types", "woken")

    def __init__(self, types: Iterable[str], capacity: int) -> None:
        self.types = tuple(dict.fromkeys(types))
        self.capacity = capacity
        self.rung = 0  # how many tasks it was woken for
        self.woken = asyncio.Event()

    async def wait(self, timeout_seconds: float) -> bool:
        """Wait until tasks may be due; False when none came up in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.woken.wait()
        except TimeoutError:
            return False
        return True

    def rest(self) -> None:
        """Forget what it was woken for: it looks now."""
        self.rung = 0
        self.woken.clear()


class Elsewhere(Protocol):
    """The bells of other houses."""

    def ring(self, kind: str, count: int) -> None:
        """Tasks of a type are due for which nobody waits here. Must not block or raise."""
        ...

    def listen(self, kind: str) -> None:
        """Somebody waits for a type. Must not block or raise."""
        ...


class Bell:
    """Wakes as many waiters as there are tasks for, the longest waiting first.

    A waiter that leaves before it has looked passes its wake-up on, so none is lost in this house. What nobody takes
    here is told ``elsewhere``, where there may be other houses; what is missed is noticed by the sweep.
    """

    elsewhere: Elsewhere | None = None

    def __init__(self) -> None:
        self._waiters: dict[str, dict[Waiter, None]] = {}
        self._closed = False

    def enter(self, types: Iterable[str], capacity: int) -> Waiter:
        """Wait in line; ``capacity`` is how many tasks would be taken."""
        waiter = Waiter(types, capacity)
        for kind in waiter.types:
            self._waiters.setdefault(kind, {})[waiter] = None
            if self.elsewhere is not None:
                self.elsewhere.listen(kind)
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Wait no longer."""
        for kind in waiter.types:
            line = self._waiters[kind]
            del line[waiter]
            if not line:
                del self._waiters[kind]
        if waiter.rung:
            for kind in waiter.types:
                self.ring(kind, waiter.rung)

    def ring(self, kind: str, count: int = 1) -> None:
        """``count`` tasks of a type have become due, or may be leased again."""
        left = self.ring_here(kind, count)
        if left > 0 and self.elsewhere is not None:
            self.elsewhere.ring(kind, left)

    def ring_here(self, kind: str, count: int) -> int:
        """The same for those who wait in this house; returns for how many tasks nobody does."""
        for waiter in self._waiters.get(kind, ()):
            free = waiter.capacity - waiter.rung
            if free > 0:
                taken = min(free, count)
                waiter.rung += taken
                waiter.woken.set()
                count -= taken
                if count <= 0:
                    break
        return count

    def types(self) -> list[str]:
        """What is waited for."""
        return list(self._waiters)

    @property
    def is_closed(self) -> bool:
        """Whether nobody may wait any more."""
        return self._closed

    def close(self) -> None:
        """Wake everybody: the house stops."""
        self._closed = True
        for line in self._waiters.values():
            for waiter in line:
                waiter.woken.set()
