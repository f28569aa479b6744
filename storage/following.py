"""Follows what other houses commit that ends tokens, or changes what they stand for: soon, or it says so."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence

from storage import queries
from storage.errors import TROUBLE
from storage.events import EventRow
from storage.postgres import Connection, connect
from storage.recent import Lane

Q = queries.load("following")
POLL_SECONDS = 0.5
ANSWER_SECONDS = 2.0
MOST_REMEMBERED = 10_000
_log = logging.getLogger(__name__)

FOLLOWED = frozenset(
    {
        "session.ended", "account.sessions_ended", "account.blocked", "account.deleted", "api_key.deleted",
        "account.role_changed", "account.unblocked",
    }
)  # fmt: skip
"""The types of events that are followed; the statements and their index name the same."""


class Following:
    """Reads, each lane in its order of commit, everything behind where it stood at the start. Nothing is passed over.

    A connection of its own, so that no load can make the house deaf. ``listener`` hears each event once; ``heard`` is
    called with the seconds since a look was begun that has brought all there was.
    """

    def __init__(
        self,
        dsn: str,
        name: str,
        house: int,
        listener: Callable[[Sequence[EventRow]], None],
        heard: Callable[[float], None],
    ) -> None:
        self._dsn = dsn
        self._name = name
        self._house = house
        self._listener = listener
        self._heard = heard
        self._positions: dict[Lane, int] = {}
        self._known: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._connection: Connection | None = None

    async def start(self) -> None:
        """Find out where the lanes stand. Raises `DatabaseUnavailable`."""
        self._connection = await connect(self._dsn, self._name, command_timeout_seconds=ANSWER_SECONDS)
        rows = await self._connection.fetch(Q.list_followed_heads.sql)
        self._positions = {(row["house"], row["lane"]): row["seq"] for row in rows}

    def is_new(self, stream: str, n: int) -> bool:
        """Whether an event was not heard of yet; from now on it was. For those who tell of it before it is read."""
        if (stream, n) in self._known:
            return False
        self._known[stream, n] = None
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return True

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                try:
                    while await self._look():
                        pass
                    self._heard(loop.time() - began)
                except TROUBLE as error:
                    self._give_up()
                    _log.warning("following_failed", extra={"reason": str(error) or type(error).__name__})
                await asyncio.sleep(POLL_SECONDS)
        finally:
            self._give_up()

    async def _look(self) -> bool:
        """Take in what is new; whether there may be more."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._dsn, self._name, command_timeout_seconds=ANSWER_SECONDS)
        lanes = [(*lane, seq) for lane, seq in self._positions.items()]
        arrays = map(list, zip(*lanes, strict=True)) if lanes else ([], [], [])
        events = [EventRow.of(row) for row in await self._connection.fetch(Q.list_followed.sql, self._house, *arrays)]
        for event in events:
            self._positions[event.house, event.lane] = event.seq
        new = [event for event in events if self.is_new(event.stream, event.n)]
        if new:
            self._listener(new)
        return bool(events)

    def _give_up(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
