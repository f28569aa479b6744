"""One simulated process: the real house row, journal, actors and relay, put together as the application does it."""

import logging
from collections.abc import Sequence
from typing import Any, cast

from actors.runtime.actor import Ref
from actors.runtime.ports import DeadLetter, DuplicateTurn, Stored
from actors.runtime.system import System
from storage.errors import HouseTaken
from storage.events import EventRow
from storage.house import House as HouseRow
from storage.journal import Journal
from storage.postgres import Database
from storage.relay import Relay
from tests.simulation.clocks import SimClock
from tests.simulation.driver import Driver, SimPool
from tests.simulation.ledger import Book, Desk, Ledger
from tests.simulation.loop import Host, SimLoop

log = logging.getLogger(__name__)


class Watchers:
    """Who looks at what the houses do: invariants and the trace."""

    def stored(self, letter: DeadLetter) -> None:
        """A dead letter was kept."""

    def delivered(self, events: Sequence[EventRow]) -> None:
        """A durable consumer has heard events."""

    def published(self, events: Sequence[Stored]) -> None:
        """A house says that events are committed."""


class SimHouse:
    """A process from its start to its end."""

    def __init__(self, loop: SimLoop, host: Host, name: str, driver: Driver, watchers: Watchers) -> None:
        self._loop = loop
        self._driver = driver
        self._watchers = watchers
        self.name = name
        self.host = host
        self.row: HouseRow | None = None
        self.system: System | None = None
        self.is_open = False
        self.is_over = False  # it has ended by itself
        self._journal: Journal | None = None
        self._relay: Relay | None = None

    async def live(self) -> None:
        """Start. A process that cannot start ends, and is started again by whoever watches it."""
        try:
            await self._start()
        except (ConnectionError, HouseTaken) as error:
            log.warning("house_not_started", extra={"reason": repr(error)})
            await self.stop()
        except Exception as error:  # noqa: BLE001 - a house that cannot start for another reason is broken
            self._loop.troubles.append(f"{self.host.name} did not start: {error!r}")

    async def _start(self) -> None:
        self.row = await HouseRow.claim("", self.name, alone=True)
        self.row.on_lost = self._lost
        self._journal = Journal("", self.row, lanes=2, duplicate=DuplicateTurn)
        await self._journal.start()
        database = Database(cast(Any, SimPool(self._driver, self.row.application_name)), 2.0)
        desk = Desk()
        self.system = System(
            kinds=[Ledger(database), Book(database), desk],
            journal=self._journal,
            publisher=self,
            dead_letters=self,
            record_idempotency=lambda *_: None,
            clock=SimClock(self._loop),
        )
        desk.find = self.system.ref
        await self.system.start()
        self._relay = Relay(database, self.row, self._journal.recent)
        self._relay.add("watcher", ["ledger.kept"], self._deliver)
        await self._relay.start()
        self.is_open = True

    def _lost(self) -> None:
        self.is_open = False
        self._loop.create_task(self.stop())

    async def stop(self) -> None:
        """Stop in order, as on SIGTERM."""
        self.is_open = False
        if self.system is not None:
            await self.system.stop(2.0)
        if self._relay is not None:
            await self._relay.stop()
        if self._journal is not None:
            await self._journal.stop()
        if self.row is not None:
            await self.row.release()
        self.is_over = True

    def ref(self, kind: str, key: str) -> Ref:
        """An actor's address."""
        assert self.system is not None
        return self.system.ref(kind, key)

    def publish(self, events: Sequence[Stored]) -> None:
        """See `actors.runtime.ports.Publisher`."""
        self._watchers.published(events)

    async def store(self, letter: DeadLetter) -> None:
        """See `actors.runtime.ports.DeadLetters`."""
        self._watchers.stored(letter)

    async def _deliver(self, events: Sequence[EventRow]) -> None:
        self._watchers.delivered(events)
