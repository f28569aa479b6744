"""The one connection of a journal lane, and what is known about it after it was lost."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from storage import queries
from storage.errors import TROUBLE, DatabaseUnavailable, UnknownOutcome, is_definite, translate
from storage.house import House
from storage.postgres import Connection, Record, connect
from storage.queries import Statement
from storage.recent import Recent

Q = queries.load("journal")
LANE_SETTINGS = {
    "plan_cache_mode": "force_generic_plan",  # to plan a statement of tasks again takes as long as to run it
    "enable_seqscan": "off",  # a plan that was made while a table was small would read all of it when it is large
}
_RESOLVE_SECONDS = 5.0
_PAUSE_SECONDS = 0.1
_log = logging.getLogger(__name__)


class RolledBack(DatabaseUnavailable):
    """The connection was lost, and the transaction has surely not been committed, nor will it be."""


class Session:
    """Connects when needed. A new connection is used only once the backend of the last one is surely gone.

    So at most one backend writes for a lane, order of ``seq`` is order of commit, and a transaction whose end
    is unknown can be looked up.
    """

    def __init__(self, dsn: str, house: House, lane: int, recent: Recent) -> None:
        self._dsn = dsn
        self._connection: Connection | None = None
        self._backend: tuple[int, datetime] | None = None  # pid and start of the last connection's backend
        self.house = house
        self.lane = lane
        self.recent = recent
        self.seq = 1  # the next free one

    async def ready(self) -> Connection:
        """Return an open connection. Raises `DatabaseUnavailable`."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._open()
        return self._connection

    async def begin(self, script: Statement) -> Connection:
        """Open a transaction with ``script``; one that fails is undone. Raises `DatabaseUnavailable`, `Fenced`.

        A connection that was lost since its last use is replaced once: nothing had begun on it.
        """
        connection = await self.ready()
        try:
            try:
                await connection.execute(script.sql)
            except TROUBLE:
                if not connection.is_closed():
                    raise
                connection = await self.ready()
                await connection.execute(script.sql)
        except TROUBLE as error:
            await self.undo(error)
            raise translate(error) from error
        return connection

    async def close(self) -> None:
        """Close the connection. Never raises."""
        if self._connection is not None:
            try:
                await self._connection.close(timeout=1)
            except TROUBLE:
                self._connection.terminate()

    async def undo(self, error: BaseException) -> None:
        """Leave no transaction open after ``error``: roll back, or else give the connection up."""
        connection = self._connection
        if connection is None:
            return
        try:
            if is_definite(error, is_closed=connection.is_closed()) or not isinstance(error, TROUBLE):
                await connection.execute(Q.rollback.sql)
                return
        except TROUBLE:
            pass
        self._give_up()

    async def commit(self, until: int) -> None:
        """Send COMMIT for the open transaction, whose events took ``seq`` from `self.seq` up to ``until``.

        Returns when it is committed for sure.

        Raises:
            UnknownOutcome: the connection was lost, and the transaction has left no events that would tell.
            Exception: it was rolled back: see `storage.errors`.
        """
        connection = await self.ready()
        try:
            tag = await connection.execute(Q.commit.sql)
        except TROUBLE as error:
            if is_definite(error, is_closed=connection.is_closed()):
                raise translate(error, is_closed=False) from error
            await self._find_out(self.seq, until)
        else:
            if tag != "COMMIT":
                raise DatabaseUnavailable("the transaction was rolled back")
        self.seq = max(self.seq, until)

    async def commit_at_once(self, statement: str, args: Sequence[object], until: int) -> list[Record] | None:
        """Run a statement that is a whole transaction. Raises as `commit` does; `RolledBack`: it may be run again.

        Returns its rows, or None when it is committed for sure, but the connection was lost with them.
        """
        connection, rows = await self.ready(), None
        try:
            rows = await connection.fetch(statement, *args)
        except TROUBLE as error:
            if is_definite(error, is_closed=connection.is_closed()):
                raise translate(error, is_closed=False) from error
            await self._find_out(self.seq, until)
        self.seq = max(self.seq, until)
        return rows

    async def _find_out(self, first: int, until: int) -> None:
        self._give_up()
        found = await self.look_up(first, until) if until > first else None
        _log.warning("commit_was_unknown", extra={"lane": self.lane, "is_committed": found})
        if found is None:
            raise UnknownOutcome("the connection was lost in COMMIT")
        if not found:
            raise RolledBack("the connection was lost, and the transaction was rolled back")

    async def look_up(self, first: int, until: int) -> bool | None:
        """Whether a lost transaction has left events with ``seq`` in [first, until); None when 5 s do not tell."""
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                while True:
                    try:
                        connection = await self.ready()
                        args = (self.house.id, self.lane, first, until)
                        return bool(await connection.fetchval(Q.is_committed.sql, *args))
                    except TROUBLE:
                        await asyncio.sleep(_PAUSE_SECONDS)
        except TimeoutError:
            return None

    def _give_up(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _open(self) -> Connection:
        house = self.house
        settings = {"posthouse.incarnation": str(house.incarnation), **LANE_SETTINGS}
        connection = await connect(self._dsn, house.application_name, settings=settings)
        try:
            if self._backend is not None and not await connection.fetchval(Q.terminate_backend.sql, *self._backend):
                raise DatabaseUnavailable("the last connection's backend is still there")
            self._backend = (connection.get_server_pid(), await connection.fetchval(Q.get_backend_start.sql))
            self.seq = await connection.fetchval(Q.get_next_seq.sql, house.id, self.lane)
        except TROUBLE as error:
            connection.terminate()
            raise translate(error) from error
        return connection
