"""This house in the database: its claim, its lease, its right to write."""

import asyncio
import logging
import re
import time
from collections.abc import Callable

from storage import queries
from storage.errors import TROUBLE, DatabaseUnavailable, Fenced, HouseTaken, translate
from storage.postgres import Connection, connect

Q = queries.load("house")
LEASE_SECONDS = 9.0  # docs/houses.md has the sums that these and the seconds between two looks add up to
MARGIN_SECONDS = 2.0
_RENEW_SECONDS = 2.0
_ALONE_LEASE_SECONDS = 30.0  # nobody takes over from a house that is alone, and its lock is what keeps others away
_ALONE_RENEW_SECONDS = 10.0
_ANSWER_SECONDS = 3.0
_RETRY_SECONDS = 0.25
_TOGETHER_SECONDS = 2.0  # houses that start together wait so long for each other before one takes all
_CLAIM_SECONDS = 3.0  # how long a predecessor that was just killed may take to vanish
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")  # part of application_name, which PostgreSQL cuts after 63 bytes
_log = logging.getLogger(__name__)


class House:
    """A claimed house. Its connection is its own, so that no load can cost the lease.

    While it runs, the lease is renewed every 2 s on the database's clock. With ``alone`` (memory transport) it holds a
    lock on the database that goes with the connection, and renews a longer lease less often; when the connection is
    lost, as after a restart of PostgreSQL, it takes both again at once.
    """

    def __init__(self, dsn: str, name: str, *, alone: bool) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a house: 1 to 40 of A-Z a-z 0-9 _ . -")
        self._dsn = dsn
        self._alone = alone
        self._lease_seconds = _ALONE_LEASE_SECONDS if alone else LEASE_SECONDS
        self._renew_seconds = _ALONE_RENEW_SECONDS if alone else _RENEW_SECONDS
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._dropped = asyncio.Event()
        self._held_until = 0.0
        self._round_trip_seconds = float("inf")
        self.name = name
        self.id = 0
        self.incarnation = 0
        self.offset_seconds = 0.0
        """What to add to this machine's clock to get the database's."""
        self.heard_seconds_ago: Callable[[], float | None] = lambda: None
        """How long ago it has reached what carries mail between houses: all houses are told with each renewal.

        None: it does not listen yet.
        """
        self.on_lost: Callable[[], None] | None = None
        """Called once when the house was declared dead: it can commit nothing any more, and should stop."""
        self.on_renewed: Callable[[], None] | None = None
        """Called after each renewal: ``offset_seconds`` may be another one."""

    @classmethod
    async def claim(cls, dsn: str, name: str, *, address: str = "", alone: bool = True) -> "House":
        """Start a new incarnation of the house; earlier ones of the same name end, and their connections with them.

        Raises:
            ValueError: the name does not fit.
            HouseTaken: with ``alone``, another house holds this database.
            DatabaseUnavailable: see `storage.errors`.
        """
        house = cls(dsn, name, alone=alone)
        connection = await connect(dsn, f"posthouse-claim/{name}")
        try:
            await house._start(connection, address)
        except TROUBLE as error:
            raise translate(error, is_closed=connection.is_closed()) from error
        finally:
            if house._task is None:
                connection.terminate()
        return house

    @property
    def application_name(self) -> str:
        """What this incarnation's connections are called."""
        return f"posthouse/{self.name}/{self.incarnation}"

    def is_held(self) -> bool:
        """Whether the lease surely lasts for 2 s more: by this machine's monotonic clock, since it was last sent."""
        return time.monotonic() < self._held_until

    async def release(self) -> None:
        """Give up the lease and the lock; other houses need not wait for it. Never raises."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._connection is not None:
            try:
                await self._connection.execute(Q.update_house_stopped.sql, self.incarnation)
                await self._connection.close(timeout=1)
            except TROUBLE:
                self._connection.terminate()

    async def _start(self, connection: Connection, address: str) -> None:
        if self._alone:
            await self._lock_alone(connection)
        prefix = f"posthouse/{self.name}/"
        await connection.fetch(Q.terminate_leftovers.sql, prefix, "")
        row = await connection.fetchrow(
            Q.update_house_claimed.sql, self.name, address, self._lease_seconds, _TOGETHER_SECONDS
        )
        if row is None:
            raise DatabaseUnavailable("the house's row did not come back")
        self.id, self.incarnation = row["id"], row["incarnation"]
        if self._alone:
            await connection.execute(Q.update_others_dead.sql, self.id)
        self._connection = self._watch(connection)
        await self._renew(connection)
        self._task = asyncio.create_task(self._keep(), name="house lease")

    async def _lock_alone(self, connection: Connection) -> None:
        give_up = time.monotonic() + _CLAIM_SECONDS
        while not await connection.fetchval(Q.lock_database.sql):
            if time.monotonic() > give_up:
                rows = await connection.fetch(Q.list_alive_names.sql)
                raise HouseTaken(
                    f"another house serves from this database ({', '.join(row['name'] for row in rows)}); "
                    "stop it first, or give both the redis transport"
                )
            await asyncio.sleep(0.1)

    async def _renew(self, connection: Connection) -> None:
        sent, sent_at = time.monotonic(), time.time()
        heard = self.heard_seconds_ago()
        clock = await connection.fetchval(
            Q.update_lease.sql, self.incarnation, self._lease_seconds, heard, timeout=_ANSWER_SECONDS
        )
        if clock is None:
            raise Fenced(f"incarnation {self.incarnation} of house {self.name} was declared dead")
        took = time.monotonic() - sent
        self._held_until = sent + self._lease_seconds - MARGIN_SECONDS
        # The quickest recent round trip knows best; older ones fade, since clocks drift.
        if took <= self._round_trip_seconds:
            self._round_trip_seconds, self.offset_seconds = took, clock.timestamp() - sent_at - took / 2
        self._round_trip_seconds *= 1.5
        if self.on_renewed is not None:
            self.on_renewed()

    async def _keep(self) -> None:
        while True:
            await self._pause(self._renew_seconds if self._connection is not None else _RETRY_SECONDS)
            try:
                self._connection = self._connection or await self._reconnect()
                await self._renew(self._connection)
            except (Fenced, HouseTaken) as error:
                self._lose(error)
                return
            except TROUBLE as error:
                _log.warning("house_lease_not_renewed", extra={"reason": str(error) or type(error).__name__})
                if self._connection is not None:
                    self._connection.terminate()
                self._connection = None

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than the connection lives: its lock must be taken again at once."""
        try:
            async with asyncio.timeout(seconds):
                await self._dropped.wait()
        except TimeoutError:
            return
        self._dropped.clear()

    def _watch(self, connection: Connection) -> Connection:
        connection.add_termination_listener(lambda _: self._dropped.set())
        return connection

    async def _reconnect(self) -> Connection:
        connection = await connect(self._dsn, f"posthouse-lease/{self.name}")
        try:
            if self._alone:
                await self._lock_alone(connection)
        except BaseException:
            connection.terminate()
            raise
        return self._watch(connection)

    def _lose(self, error: Exception) -> None:
        _log.error("house_lost", extra={"reason": str(error)})
        self._held_until = 0.0
        if self.on_lost is not None:
            self.on_lost()
