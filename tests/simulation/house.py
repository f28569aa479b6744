"""One simulated process: the real house row, journal, actors and relay, put together as the application does it."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, cast

from actors.runtime.actor import Ref
from actors.runtime.placement import Placement
from actors.runtime.ports import DeadLetter, DuplicateTurn, Stored
from actors.runtime.streams import Streams
from actors.runtime.system import System
from app.mailboxes import Mailboxes, SharedMailboxes
from storage.errors import HouseTaken
from storage.events import EventRow
from storage.house import House as HouseRow
from storage.journal import Journal
from storage.placement import PlacementStore
from storage.postgres import Database
from storage.relay import Relay
from tests.simulation.clocks import SimClock
from tests.simulation.driver import Driver, SimPool
from tests.simulation.ledger import Book, Desk, Ledger
from tests.simulation.loop import Host, SimLoop
from tests.simulation.mail import SimMail
from tests.simulation.statements import PARTITIONS


class Watchers:
    """Who looks at what the houses do: invariants and the trace."""

    def stored(self, letter: DeadLetter) -> None:
        """A dead letter was kept."""

    def delivered(self, events: Sequence[EventRow]) -> None:
        """A durable consumer has heard events."""

    def published(self, events: Sequence[Stored]) -> None:
        """A house says that events are committed."""

    def opened(self, incarnation: int, epochs: Mapping[int, int]) -> None:
        """A house begins to own partitions."""


class WatchedStreams(Streams):
    """The transport, under the eyes of those who watch."""

    watchers: Watchers

    def open(self, epochs: Mapping[int, int]) -> None:
        """See `Streams.open`."""
        self.watchers.opened(self._incarnation, epochs)
        super().open(epochs)


class FewMailboxes(SharedMailboxes):
    """Of a house that shares few partitions: a look at them costs little."""

    def __init__(self, streams: Streams, row: HouseRow, database: Database) -> None:
        super().__init__(streams, row, database)
        self._placement = Placement(PlacementStore(database, row), row, streams, partitions=PARTITIONS)
        streams.parts.on_moved = self._placement.wake


class SimHouse:
    """A process from its start to its end."""

    def __init__(
        self, loop: SimLoop, host: Host, name: str, driver: Driver, watchers: Watchers, mail: SimMail | None
    ) -> None:
        """``mail`` carries messages to other houses; without it the house is alone."""
        self._loop = loop
        self._driver = driver
        self._watchers = watchers
        self._mail = mail
        self._stack = AsyncExitStack()
        self._mailboxes = Mailboxes()
        self._is_stopping = False
        self.name = name
        self.host = host
        self.system: System | None = None
        self.is_open = False
        self.is_over = False  # it has ended by itself

    async def live(self) -> None:
        """Start. A process that cannot start ends, and is started again by whoever watches it."""
        try:
            await self._start()
        except (ConnectionError, TimeoutError, HouseTaken):
            await self.stop()
        except Exception as error:  # noqa: BLE001 - a house that cannot start for another reason is broken
            self._loop.troubles.append(f"{self.host.name} did not start: {error!r}")

    async def _start(self) -> None:
        """As `app.composition` does it."""
        stack = self._stack
        row = await HouseRow.claim("", self.name, alone=self._mail is None)
        stack.push_async_callback(row.release)
        database = Database(cast(Any, SimPool(self._driver, row.application_name)), 2.0)
        journal = Journal("", row, lanes=2, duplicate=DuplicateTurn)
        await journal.start()
        stack.push_async_callback(journal.stop)
        if self._mail is not None:
            self._mailboxes = await self._share(self._mail, row, database)
        desk = Desk()
        self.system = System(
            kinds=[Ledger(database), Book(database), desk],
            journal=journal,
            publisher=self,
            dead_letters=self,
            record_idempotency=lambda *_: None,
            clock=SimClock(self._loop, self.host),
            transport=self._mailboxes.transport,
        )
        desk.find = self.system.ref
        await stack.enter_async_context(self.system)
        await stack.enter_async_context(self._mailboxes.shared())
        relay = Relay(database, row, journal.recent, self._mailboxes.adopts)
        relay.add("watcher", ["ledger.kept"], self._deliver)
        await relay.start()
        stack.push_async_callback(relay.stop)
        row.on_lost = self._lost
        self.is_open = True

    async def _share(self, mail: SimMail, row: HouseRow, database: Database) -> Mailboxes:
        """As `app.mailboxes.open_mailboxes` does it."""
        streams = WatchedStreams(mail, row, partitions=PARTITIONS)
        streams.watchers = self._watchers
        await streams.start()
        self._stack.push_async_callback(mail.close)
        self._stack.push_async_callback(streams.stop)
        return FewMailboxes(streams, row, database)

    def _lost(self) -> None:
        self._loop.create_task(self.stop())

    async def stop(self) -> None:
        """Stop in order, as on SIGTERM."""
        if self._is_stopping:
            return
        self._is_stopping, self.is_open = True, False
        self._mailboxes.leave()
        await self._stack.aclose()
        self.is_over = True

    async def unwind(self) -> None:
        """Close what a dead process has left open, when nobody looks any more."""
        await self._stack.aclose()

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
