"""What stands for asyncpg: connections and a pool over simulated wires, for the real `storage` to use."""

import asyncio
from asyncio import Future
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import asyncpg

from storage.errors import DatabaseUnavailable
from tests.simulation.network import Network, Wire
from tests.simulation.postgres import Backend, Request, SimPostgres

COMMAND_SECONDS = 9.0
CONNECT_SECONDS = 2.0


class SimConnection:
    """One connection, as asyncpg has it."""

    def __init__(self, network: Network, server: SimPostgres, application_name: str, incarnation: int) -> None:
        self._loop = network.loop
        self._server = server
        self._backend: Backend | None = None
        self._name, self._incarnation = application_name, incarnation
        self._waiting: Future[Any] | None = None
        self._listeners: list[Callable[[Any], None]] = []
        self._number = 0
        self.wire = Wire(network, network.loop.current, server, self._lost, self._end)

    async def open(self) -> None:
        """Connect. Raises OSError."""
        waiting = self._waiting = Future(loop=self._loop)
        self.wire.send(self._accept)
        await waiting
        self._waiting = None

    def _accept(self) -> None:
        """In the server: begin a session, or refuse to."""
        if self._server.is_away:
            self.wire.reply(self._answered, 0, ConnectionRefusedError("connection refused"))
        else:
            self._backend = self._server.open(self.wire, self._name, self._incarnation)
            self.wire.reply(self._answered, 0, "")

    def _end(self) -> None:
        if self._backend is not None:
            self._backend.end()

    def _receive(self, request: Request) -> None:
        if self._backend is not None:
            self._backend.receive(request)

    def _cancel(self, number: int) -> None:
        if self._backend is not None:
            self._backend.cancel(number)

    def _lost(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(asyncpg.ConnectionDoesNotExistError("connection was closed"))
        for listener in self._listeners:
            self._loop.call_soon(listener, self)
        self._listeners = []

    def is_closed(self) -> bool:
        return self.wire.is_closed

    def get_server_pid(self) -> int:
        assert self._backend is not None
        return self._backend.pid

    def add_termination_listener(self, listener: Callable[[Any], None]) -> None:
        self._listeners.append(listener)

    def terminate(self) -> None:
        self._lost()
        self.wire.close()

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - asyncpg's own
        self.terminate()

    async def fetch(self, sql: str, *args: Any, timeout: float | None = None) -> list[Any]:  # noqa: ASYNC109
        found = await self._ask(sql, args, timeout)
        return found if isinstance(found, list) else []

    async def fetchrow(self, sql: str, *args: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        found = await self.fetch(sql, *args, timeout=timeout)
        return found[0] if found else None

    async def fetchval(self, sql: str, *args: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        row = await self.fetchrow(sql, *args, timeout=timeout)
        return row[0] if row else None

    async def execute(self, sql: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109
        done = await self._ask(sql, args, timeout)
        return done if isinstance(done, str) else f"SELECT {len(done)}"

    async def _ask(self, sql: str, args: Sequence[Any], seconds: float | None) -> Any:
        if self.wire.is_closed:
            raise asyncpg.InterfaceError("connection is closed")
        if self._waiting is not None:
            raise asyncpg.InterfaceError("cannot perform operation: another operation is in progress")
        waiting = self._waiting = Future(loop=self._loop)
        self._number += 1
        request = Request(self._number, sql[3 : sql.index("\n")], sql, args, self._answered)
        self.wire.send(self._receive, request)
        self._server.strike(request.name, self.wire)
        timer = self._loop.call_later(seconds or COMMAND_SECONDS, self._overdue, self._number)
        try:
            return await waiting
        except asyncio.CancelledError:
            self.wire.send(self._cancel, request.number)
            raise
        finally:
            timer.cancel()
            self._waiting = None

    def _answered(self, number: int, outcome: Any) -> None:
        waiting = self._waiting
        if waiting is None or waiting.done() or number != self._number:
            return
        if isinstance(outcome, Exception):
            waiting.set_exception(outcome)
        else:
            waiting.set_result(outcome)

    def _overdue(self, number: int) -> None:
        if self._waiting is not None and not self._waiting.done():
            self.wire.send(self._cancel, number)
            self._waiting.set_exception(TimeoutError())


class Driver:
    """Makes connections for the host that runs."""

    def __init__(self, network: Network, server: SimPostgres) -> None:
        self._network = network
        self._server = server

    async def connect(
        self,
        dsn: str,  # noqa: ARG002 - as `storage.postgres.connect`
        application_name: str,
        *,
        command_timeout_seconds: float = COMMAND_SECONDS,  # noqa: ARG002
        connect_timeout_seconds: float = CONNECT_SECONDS,
        settings: Mapping[str, str] | None = None,
    ) -> SimConnection:
        """See `storage.postgres.connect`."""
        incarnation = int((settings or {}).get("posthouse.incarnation", 0))
        connection = SimConnection(self._network, self._server, application_name, incarnation)
        try:
            async with asyncio.timeout(connect_timeout_seconds):
                await connection.open()
        except (TimeoutError, OSError, asyncpg.PostgresError) as error:
            connection.terminate()
            raise DatabaseUnavailable(f"no connection to PostgreSQL: {error!r}") from error
        except BaseException:
            connection.terminate()
            raise
        return connection


class SimPool:
    """A pool of connections, as `storage.postgres.Database` uses it."""

    def __init__(self, driver: Driver, application_name: str) -> None:
        self._driver = driver
        self._name = application_name
        self._idle: list[SimConnection] = []

    async def acquire(self, *, timeout: float) -> SimConnection:  # noqa: ASYNC109 - asyncpg's own
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self._driver.connect("", self._name, connect_timeout_seconds=timeout)

    async def release(self, connection: SimConnection) -> None:
        if not connection.is_closed():
            self._idle.append(connection)

    async def close(self) -> None:
        self.terminate()

    def terminate(self) -> None:
        while self._idle:
            self._idle.pop().terminate()
