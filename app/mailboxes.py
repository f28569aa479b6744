"""How mail reaches actors: within this house, or among many that share the entities."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from actors.outgoing.seal import Seal
from actors.runtime.placement import Placement
from actors.runtime.placement.rendezvous import winner
from actors.runtime.streams import Streams
from actors.runtime.transport import MemoryTransport, Transport
from app.beside import running
from app.config import Config
from app.keyring import keep_secret
from app.metrics import Figure, Metrics
from storage.errors import DatabaseUnavailable, MailUnavailable
from storage.house import House
from storage.houses import HouseStore
from storage.placement import PlacementStore
from storage.postgres import Database

TELL_SECONDS = 2.0
FIGURES = (
    Figure("partitions", "Partitions that this house owns"),
    Figure("open", "Of them, those whose actors are at work"),
    Figure("living", "Houses that share the partitions, as this one sees"),
    Figure("lag", "Messages of this house's partitions that it has not read"),
    Figure("pending", "Messages that were read, and have not ended"),
    Figure("asked", "Messages sent to other houses that have not been answered"),
    Figure("is_away", "1 while what carries mail between houses is away"),
    Figure("outages", "Times that it went away", is_counter=True),
    Figure("late", "Messages dropped because later ones had overtaken them", is_counter=True),
    Figure("not_understood", "Messages that this version does not know", is_counter=True),
    Figure("handed_over", "Partitions handed over", is_counter=True),
    Figure("taken_over", "Partitions that had another owner before", is_counter=True),
    Figure("buried", "Houses that this one has declared dead", is_counter=True),
    Figure("lapses", "Times that this house gave everything up because it could not renew its lease", is_counter=True),
    Figure("longest_hand_over_seconds", "The longest hand-over so far"),
)


class Mailboxes:
    """Of one house alone: every entity lives here."""

    transport: Transport = MemoryTransport()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """While this lasts, the house takes its part of the entities; at the end it has handed everything over."""
        yield

    def leave(self) -> None:
        """Begin to hand everything over: the house is about to stop."""

    def partitions(self) -> list[int] | None:
        """The partitions whose entities live here; None: all."""
        return None

    def adopts(self, house: int) -> bool:
        """Whether this house does what a dead one has left undone."""
        del house
        return True

    def trouble(self) -> Mapping[str, str | None]:
        """What ``/ready`` should know, beside the house's own mailboxes: a word each; None: all is well."""
        return {}

    def watch(self, metrics: Metrics) -> None:
        """Show figures of partitions and of mail between houses."""

    async def tell(self) -> None:
        """Tell other houses, again and again, how this one stands."""


class SharedMailboxes(Mailboxes):
    """Of one house among many: mail crosses Redis Streams, and partitions move."""

    def __init__(self, streams: Streams, row: House, database: Database) -> None:
        self.transport = streams
        self._streams, self._row = streams, row
        self._houses = HouseStore(database)
        self._placement = placement = Placement(PlacementStore(database, row), row, streams)
        self._leaving: asyncio.Task[None] | None = None
        streams.parts.on_moved = placement.wake
        row.heard_seconds_ago = streams.heard_seconds_ago

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """See `Mailboxes.shared`."""
        async with running(self._placement.run()):
            try:
                yield
            finally:
                await self._left()

    def leave(self) -> None:
        """See `Mailboxes.leave`. Where no other house lives nobody would take over what requests still ask for."""
        if self._placement.has_neighbours:
            self._left()

    def _left(self) -> "asyncio.Task[None]":
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._placement.leave(), name="leave")
        return self._leaving

    def partitions(self) -> list[int] | None:
        """See `Mailboxes.partitions`."""
        return list(self._placement.owned)

    def adopts(self, house: int) -> bool:
        """See `Mailboxes.adopts`: of all that live, one."""
        return winner(house, self._placement.living) == self._row.id

    def trouble(self) -> Mapping[str, str | None]:
        """See `Mailboxes.trouble`. Redis away is no reason to send nobody here: no other house could do more."""
        return {"placement": None if self._placement.has_looked else "unplaced"}

    def figures(self) -> Mapping[str, Any]:
        """How mail and partitions stand."""
        return self._streams.figures() | self._placement.figures()

    def watch(self, metrics: Metrics) -> None:
        """See `Mailboxes.watch`."""
        metrics.watch("mail", FIGURES, lambda: {"": self.figures()})

    async def tell(self) -> None:
        """See `Mailboxes.tell`."""
        while True:
            figures = self.figures()
            with suppress(DatabaseUnavailable):
                await self._houses.update_figures(
                    self._row.incarnation, lag=figures["lag"], pending=figures["pending"],
                    hand_overs=figures["handed_over"],
                )  # fmt: skip
            await asyncio.sleep(TELL_SECONDS)


@asynccontextmanager
async def open_mailboxes(config: Config, row: House, database: Database) -> AsyncIterator[Mailboxes]:
    """Let mail be carried as the settings say. Raises `MailUnavailable`: the Redis that they name is not there."""
    if config.mailbox.transport == "memory":
        yield Mailboxes()
        return
    from storage.redis.mail import RedisMail  # noqa: PLC0415 - its import takes 0.3 s: a house alone needs none of it

    mail = RedisMail(config.redis.url, f"posthouse/{row.name}")
    seal = Seal(keep_secret(config.secrets_folder / "mail"))
    streams = Streams(mail, row, seal=seal, capacity=config.mailbox.house_capacity)
    try:
        await streams.start()
    except OSError as error:
        await mail.close()
        raise MailUnavailable(f"{error}: see [redis] url") from error
    try:
        yield SharedMailboxes(streams, row, database)
    finally:
        await streams.stop()
        await mail.close()
