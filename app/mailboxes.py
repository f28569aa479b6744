"""How mail reaches actors: within this house, or among many that share the entities."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from actors.outgoing.seal import Seal
from actors.runtime.placement import Placement
from actors.runtime.placement.rendezvous import winner
from actors.runtime.streams import Streams
from actors.runtime.transport import MemoryTransport, Transport
from app.beside import running
from app.config import Config
from app.keyring import keep_secret
from storage.errors import MailUnavailable
from storage.house import House
from storage.placement import PlacementStore
from storage.postgres import Database


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

    def figures(self) -> Mapping[str, Any]:
        """Figures of partitions and of mail between houses."""
        return {}


class SharedMailboxes(Mailboxes):
    """Of one house among many: mail crosses Redis Streams, and partitions move."""

    def __init__(self, streams: Streams, placement: Placement, house_id: int) -> None:
        self.transport = streams
        self._streams = streams
        self._placement = placement
        self._house_id = house_id
        self._leaving: asyncio.Task[None] | None = None
        streams.parts.on_moved = placement.wake

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """See `Mailboxes.shared`."""
        async with running(self._placement.run()):
            try:
                yield
            finally:
                self.leave()
                if self._leaving is not None:
                    await self._leaving

    def leave(self) -> None:
        """See `Mailboxes.leave`."""
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._placement.leave(), name="leave")

    def partitions(self) -> list[int] | None:
        """See `Mailboxes.partitions`."""
        return list(self._placement.owned)

    def adopts(self, house: int) -> bool:
        """See `Mailboxes.adopts`: of all that live, one."""
        return winner(house, self._placement.living) == self._house_id

    def trouble(self) -> Mapping[str, str | None]:
        """See `Mailboxes.trouble`. Redis away is no reason to send nobody here: no other house could do more."""
        return {"placement": None if self._placement.has_looked else "unplaced"}

    def figures(self) -> Mapping[str, Any]:
        """See `Mailboxes.figures`."""
        return self._streams.figures() | self._placement.figures()


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
        yield SharedMailboxes(streams, Placement(PlacementStore(database, row), row, streams), row.id)
    finally:
        await streams.stop()
        await mail.close()
