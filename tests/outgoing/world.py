"""Rows, a worker and a mail server, without a house around them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from actors.outgoing.delivery import Delivery
from actors.outgoing.port import AddressBook, Outlet, Sender
from actors.outgoing.seal import KEY_BYTES, Seal
from actors.outgoing.settings import EmailSettings, OutgoingSettings
from actors.outgoing.smtp import EmailBook, SmtpSender
from actors.runtime.clock import SystemClock
from actors.runtime.ids import uuid7
from storage.outgoing import OutgoingStore
from storage.postgres import Database
from storage.queries import Statement
from tests.outgoing.mail_server import HOST, MailServer

SEAL = Seal(bytes(KEY_BYTES))
QUICK = OutgoingSettings(
    attempts=3, retry_seconds=[0.05], send_seconds=2.0, lease_seconds=4.0, poll_seconds=0.05, breaker_failures=2,
    breaker_seconds=0.2,
)  # fmt: skip


def email_settings(server: MailServer, **fields: Any) -> EmailSettings:
    """Settings that lead to a server on this machine."""
    known = {"host": HOST, "port": server.port, "tls": "none", "sender": "Posthouse <post@house.example>"}
    return EmailSettings(**{**known, "digest_minutes": 0, **fields})


class World:
    """Shorthands for what the tests do all the time."""

    def __init__(self, database: Database, server: MailServer) -> None:
        self.database = database
        self.server = server
        self.store = OutgoingStore(database)
        self.clock = SystemClock()

    async def sql(self, text: str, *args: Any) -> list[Any]:
        """Run any statement."""
        return await self.database.fetch(Statement("test", text, "many"), *args)

    async def person(self, name: str) -> str:
        """Somebody with a proved address; their id."""
        user_id = uuid7()
        await self.sql(
            "insert into account (id, n, username, email, email_verified_at, role, status, created_at)"
            " values ($1, 1, $2, $2 || '@example.org', now(), 'user', 'active', now())",
            user_id, name,
        )  # fmt: skip
        return user_id

    async def write(self, user_id: str, *titles: str, channel: str = "email", gather: bool = False) -> list[str]:
        """Rows that are due; their ids."""
        ids = [uuid7() for _ in titles]
        await self.sql(
            "insert into outgoing (id, user_id, channel, parcel, type, title, body, data, priority, due_at, created_at)"
            " select id, $2, $4, case when $5 then $2 else id end, 'system', title, '', '{}', 'normal', now(),"
            "  now() + ord * interval '1 microsecond'"
            " from unnest($1::uuid[], $3::text[]) with ordinality r (id, title, ord)",
            ids, user_id, list(titles), channel, gather,
        )  # fmt: skip
        return ids

    def delivery(
        self, settings: OutgoingSettings = QUICK, *, store: OutgoingStore | None = None, **email: Any
    ) -> Delivery:
        """A worker for e-mail."""
        sender = SmtpSender(email_settings(self.server, **email), SEAL, self.clock)
        return Delivery(Outlet(sender, EmailBook(self.store)), store or self.store, self.clock, settings)

    def worker(self, sender: Sender, book: AddressBook, settings: OutgoingSettings = QUICK) -> Delivery:
        """A worker for any channel."""
        return Delivery(Outlet(sender, book), self.store, self.clock, settings)

    async def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        """What became of the rows, oldest first."""
        found = await self.sql(f"select {', '.join(columns)} from outgoing order by created_at, id")
        return [tuple(row) for row in found]

    async def subjects(self) -> Sequence[str]:
        """What has arrived."""
        return [str(mail["Subject"]) for mail in self.server.mails]


@asynccontextmanager
async def open_world(dsn: str) -> AsyncIterator[World]:
    """A migrated database and a mail server that takes everything."""
    server = MailServer()
    await server.start()
    database = await Database.open(dsn, "test", pool_size=4)
    try:
        yield World(database, server)
    finally:
        await database.close()
        await server.stop()


def utc_now() -> datetime:
    """Now."""
    return datetime.now(UTC)
