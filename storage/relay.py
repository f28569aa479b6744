"""Delivers committed events to durable consumers (inbox, e-mail, webhooks, counters), at least once."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from storage import queries
from storage.consumer import Consumer, Deliver
from storage.errors import TROUBLE
from storage.house import House
from storage.postgres import Database
from storage.recent import Lane, Recent
from storage.source import Source

Q = queries.load("relay")
POLL_SECONDS = 1.0
_GATHER_SECONDS = 0.005  # what is committed in this time after a wake-up shares a read
_SPACING_SECONDS = 0.1  # between looks while commits never cease: each costs a consumer reads, however little it brings
_log = logging.getLogger(__name__)


class Relay:
    """Follows the lanes of its own house, and of houses that are dead, by ``seq``: their order of commit.

    Where several houses live, ``adopts`` says of which dead ones this house takes the lanes; those that are alive again
    have theirs back. While two houses are not of one mind both deliver, which is more than once and does no harm.

    * At least once: a position is stored after ``deliver`` has returned. Each effect must be unique by (stream, n).
    * In order inside a lane, so inside a stream as long as it stays in its lane. A stream that moved to another
      lane (another house, another number of lanes) may be heard out of order by a consumer that lags behind.
    * A consumer that fails is tried again with growing delay (to 30 s); other consumers and lanes go on.
    * The journal wakes it with what it has committed (`Recent`), which is not read back. Everything else is read from
      the table, at which it looks every ``poll_seconds``.
    """

    def __init__(
        self,
        db: Database,
        house: House,
        recent: Recent,
        adopts: Callable[[int], bool] | None = None,
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._db = db
        self._poll_seconds = poll_seconds
        self._adopts = adopts or _all
        self._foreign: set[Lane] = set()  # lanes of other houses that are followed
        self._house = house
        self._recent = recent
        self._source = Source(db, recent)
        self._woken = asyncio.Event()
        self._looked_at = 0.0  # at anything; on the loop's clock
        self._read_at = 0.0  # at the table
        self._heads: dict[Lane, int] = {}  # of the table, when it was read
        self._consumers: list[Consumer] = []
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, name: str, types: Iterable[str], deliver: Deliver) -> None:
        """Register a consumer before `start`. A new name hears all events of its types that are still stored.

        ``deliver`` gets up to 500 events of one lane, in order. Raises ``ValueError`` for a name that is taken.
        """
        if any(consumer.name == name for consumer in self._consumers):
            raise ValueError(f"two consumers are called {name}")
        self._consumers.append(Consumer(self._db, self._source, name, frozenset(types), deliver))

    async def start(self) -> None:
        """Read where the consumers stand and begin. Raises `DatabaseUnavailable`."""
        if not self._consumers:
            return
        types = frozenset[str]().union(*(consumer.types for consumer in self._consumers))
        self._source.want(types)
        self._recent.follow(types, self._woken.set)
        for consumer in self._consumers:
            await consumer.load()
        work = [self._watch(), *(consumer.run() for consumer in self._consumers)]
        self._tasks = [asyncio.create_task(part, name="relay") for part in work]

    async def stop(self, timeout_seconds: float = 2.0) -> None:
        """Stop reading. What is being delivered gets ``timeout_seconds``, else it is delivered again one day."""
        for consumer in self._consumers:
            consumer.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks[1:], timeout=timeout_seconds)
            for task in (self._tasks[0], *late):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def lag(self) -> dict[str, int]:
        """Return how many events each consumer has yet to hear (counted to 10,000 per lane)."""
        heads = await self._read_heads()
        return {consumer.name: await consumer.lag(heads) for consumer in self._consumers}

    async def _watch(self) -> None:
        while True:
            try:
                await self._look()
            except TROUBLE as error:
                _log.warning("relay_paused", extra={"reason": str(error) or type(error).__name__})
                self._recent.is_stale = True  # what was to be read is read as soon as that can be
                await asyncio.sleep(POLL_SECONDS)
                self._show()
                continue
            self._show()
            await self._wait()

    async def _look(self) -> None:
        self._looked_at = asyncio.get_running_loop().time()
        if self._recent.is_stale or self._looked_at - self._read_at >= self._poll_seconds:
            self._recent.is_stale = False
            self._heads = await self._read_heads()
            self._read_at = self._looked_at
            await self._take_over()

    async def _take_over(self) -> None:
        """Learn how far others have come in lanes that are followed from now on: it was their business until now."""
        foreign = {lane for lane in self._heads if lane[0] != self._house.id}
        if foreign - self._foreign:
            for consumer in self._consumers:
                await consumer.load()
        self._foreign = foreign

    def _show(self) -> None:
        """Tell the consumers how far the lanes have come, and let go what all of them have heard."""
        heads = dict(self._heads)
        for lane, head in self._recent.heads().items():
            heads[lane] = max(head, heads.get(lane, 0))
        for lane in heads:
            self._recent.forget(lane, min(consumer.reached(lane) for consumer in self._consumers))
        for consumer in self._consumers:
            consumer.see(heads)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._woken.wait()
        except TimeoutError:
            return
        since_seconds = asyncio.get_running_loop().time() - self._looked_at
        await asyncio.sleep(max(_GATHER_SECONDS, _SPACING_SECONDS - since_seconds))
        self._woken.clear()

    async def _read_heads(self) -> dict[Lane, int]:
        own = self._house.id
        rows = await self._db.fetch(Q.list_heads, own)
        return {
            (row["house"], row["lane"]): row["seq"] for row in rows if row["house"] == own or self._adopts(row["house"])
        }


def _all(_house: int) -> bool:
    return True
