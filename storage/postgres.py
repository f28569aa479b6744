"""Connections to PostgreSQL: how they are made, pooled and given up."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pgproto.pgproto import UUID  # the driver's own takes a twentieth of the time
from asyncpg.pool import PoolConnectionProxy
from asyncpg.protocol import protocol  # the driver's own parts: its version is pinned

from storage import queries
from storage.errors import TROUBLE, DatabaseUnavailable, translate
from storage.queries import Statement

HOUSE = queries.load("house")
Record = asyncpg.Record
Connection: TypeAlias = "asyncpg.Connection[Record]"

_SERVER_SETTINGS = {
    "statement_timeout": "8s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "15s",
    "timezone": "UTC",
}

READ_SETTINGS = {
    "enable_seqscan": "off",  # a plan that was made while a table was small would read all of it when it is large
    "jit": "off",  # where nothing but the whole table will do, older servers would compile it: the price says so
}

# The driver asks of each element of an array whether it is an array itself, and asks an abstract class: 0.18 of 0.28 us
# for a text. Our arrays are of these types; whatever else is iterable is refused.
vars(protocol)["IterableABC"] = (list, tuple, set, frozenset)


def _encode_uuid(text: str) -> bytes:
    return UUID(text).bytes


def _decode_uuid(data: bytes) -> str:
    return str(UUID(data))


async def _prepare_connection(connection: Any) -> None:
    await connection.set_type_codec(
        "uuid", schema="pg_catalog", encoder=_encode_uuid, decoder=_decode_uuid, format="binary"
    )


async def _keep_session(_: Any) -> None:
    """Reset nothing when a connection returns to the pool: no connection of ours holds session state.

    The driver's own reset query costs a round trip for each use; without it a read is 1.35 times as fast.
    """


async def connect(
    dsn: str,
    application_name: str,
    *,
    command_timeout_seconds: float = 9.0,
    connect_timeout_seconds: float = 2.0,
    settings: Mapping[str, str] | None = None,
) -> Connection:
    """Open one connection: uuid, json and jsonb are text both ways, times are aware.

    Raises:
        DatabaseUnavailable: no connection within ``connect_timeout_seconds``.
    """
    try:
        async with asyncio.timeout(connect_timeout_seconds):
            connection: Connection = await asyncpg.connect(
                dsn,
                command_timeout=command_timeout_seconds,
                server_settings={**_SERVER_SETTINGS, "application_name": application_name, **(settings or {})},
                max_cached_statement_lifetime=0,
            )
            await _prepare_connection(connection)
    except TROUBLE as error:
        raise _unreachable(error) from error
    return connection


def _unreachable(error: BaseException) -> DatabaseUnavailable:
    return DatabaseUnavailable(f"no connection to PostgreSQL: {error or type(error).__name__}")


def _is_lost(connection: "PoolConnectionProxy[Record]") -> bool:
    """Whether it was closed; the pool takes one back that the server closes while it is in use."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


class Database:
    """A pool for reads, and for writes that are not turns (leases, cleaning).

    A statement waits at most ``acquire_timeout_seconds`` for a connection. When PostgreSQL comes back after it was
    gone, so does the pool. Cancelling a call may still let its statement run to its end on the server.
    """

    def __init__(self, pool: "asyncpg.Pool[Record]", acquire_timeout_seconds: float) -> None:
        self._pool = pool
        self._acquire_timeout_seconds = acquire_timeout_seconds

    @classmethod
    async def open(
        cls,
        dsn: str,
        application_name: str,
        *,
        pool_min: int = 1,
        pool_size: int = 8,
        acquire_timeout_seconds: float = 2.0,
        command_timeout_seconds: float = 9.0,
    ) -> "Database":
        """Connect. Raises `DatabaseUnavailable`."""
        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=0,  # else the pool logs a traceback for each try to keep its floor while the server is away
                max_inactive_connection_lifetime=0,
                max_size=pool_size,
                max_queries=2**31,
                timeout=acquire_timeout_seconds,
                command_timeout=command_timeout_seconds,
                max_cached_statement_lifetime=0,
                server_settings={**_SERVER_SETTINGS, **READ_SETTINGS, "application_name": application_name},
                init=_prepare_connection,
                reset=_keep_session,
            )
            # Connect now: a wrong address is known at start, and the first requests do not wait. They stay open.
            opening = (pool.acquire(timeout=acquire_timeout_seconds) for _ in range(max(1, pool_min)))
            for connection in await asyncio.gather(*opening):
                await pool.release(connection)
        except TROUBLE as error:
            raise _unreachable(error) from error
        return cls(pool, acquire_timeout_seconds)

    async def close(self, timeout_seconds: float = 2.0) -> None:
        """Close every connection; those in use get ``timeout_seconds`` to finish."""
        try:
            await asyncio.wait_for(self._pool.close(), timeout_seconds)
        except TROUBLE:
            self._pool.terminate()

    async def fetch(self, statement: Statement, *args: Any) -> list[Record]:
        """Return all rows. Raises `DatabaseUnavailable`, `IntegrityViolation`, `StatementFailed`."""
        rows: list[Record] = await self._run("fetch", statement, args)
        return rows

    async def fetchrow(self, statement: Statement, *args: Any, timeout_seconds: float | None = None) -> Record | None:
        """Return the first row or None. Raises as `fetch` does.

        ``timeout_seconds`` is for the statement, once it has a connection; None is the pool's own.
        """
        row: Record | None = await self._run("fetchrow", statement, args, timeout_seconds)
        return row

    async def fetchval(self, statement: Statement, *args: Any) -> Any:
        """Return the first column of the first row or None. Raises as `fetch` does."""
        return await self._run("fetchval", statement, args)

    async def execute(self, statement: Statement, *args: Any) -> int:
        """Return how many rows were changed. Raises as `fetch` does; a write may have happened nevertheless."""
        tag: str = await self._run("execute", statement, args)
        count = tag.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def ping(self) -> None:
        """Return when PostgreSQL answers. Raises `DatabaseUnavailable`."""
        await self.fetchval(HOUSE.ping)

    async def version(self) -> str:
        """Return what runs, such as ``18.1``."""
        version: str = await self.fetchval(HOUSE.get_version)
        return version

    def statistics(self) -> dict[str, int]:
        """Return how many connections there are, and how many of them nobody uses."""
        return {"size": self._pool.get_size(), "idle": self._pool.get_idle_size()}

    async def _run(
        self, method: str, statement: Statement, args: tuple[Any, ...], timeout_seconds: float | None = None
    ) -> Any:
        connection: PoolConnectionProxy[Record] | None = None
        try:
            connection = await self._pool.acquire(timeout=self._acquire_timeout_seconds)
            return await getattr(connection, method)(statement.sql, *args, timeout=timeout_seconds)
        except TimeoutError as error:
            if connection is not None and not _is_lost(connection):
                connection.terminate()  # else its release waits for a server that does not answer
            raise translate(error) from error
        except TROUBLE as error:
            raise translate(error, is_closed=connection is None or _is_lost(connection)) from error
        finally:
            if connection is not None:
                await self._pool.release(connection)
