"""Puts a house together: database, journal, actors, relay, edges. The only place that knows all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from actors.errors import Conflict
from actors.notification import NOTICES, deliver_notices
from actors.runtime.actor import Idempotency
from actors.runtime.clock import SystemClock
from actors.runtime.message import Caller
from actors.runtime.ports import DuplicateTurn
from actors.runtime.system import System
from actors.system import SystemDesk
from app.channels import Channels
from app.config import Config
from app.edges import Edges, checks, make_edges
from app.housekeeping import Housekeeping
from app.kinds import Kinds, make_kinds
from app.logs import Logs, watch_loop_lag
from app.publishing import Publishing
from app.refs import Refs
from app.replay import Replay
from app.surroundings import HouseSurroundings
from handlers.realtime import Realtime
from storage.dead_letters import DeadLetterStore
from storage.events import EventStore
from storage.house import House as HouseRow
from storage.houses import HouseStore
from storage.idempotency import insert_idempotency
from storage.journal import Journal
from storage.migrations import migrate
from storage.postgres import Database
from storage.postgres_server import PostgresServer
from storage.relay import Relay
from storage.write import Write


class House:
    """A running house, as `app.application` sees it."""

    def __init__(self, config: Config, refs: Refs, edges: Edges, row: HouseRow) -> None:
        self.config = config
        self.refs = refs
        self._edges = edges
        self._row = row

    @property
    def web(self) -> web.Application:
        """Everything that is served."""
        return self._edges.web

    @property
    def realtime(self) -> Realtime:
        """The sockets."""
        return self._edges.realtime

    def set_ready(self, *, ready: bool) -> None:
        """Whether ``/ready`` may say so."""
        self._edges.readiness.is_open = ready

    def on_lost(self, stop: Callable[[], None]) -> None:
        """Call ``stop`` when the house may write no more."""
        self._row.on_lost = stop


@asynccontextmanager
async def compose(config: Config, dsn: str, server: PostgresServer | None, logs: Logs) -> AsyncIterator[House]:
    """Start everything but the listening; stop it in reverse. Raises what storage raises when it cannot start."""
    async with AsyncExitStack() as stack:
        await migrate(dsn)
        row = await HouseRow.claim(dsn, "house", address=f"{config.http.host}:{config.http.port}")
        stack.push_async_callback(row.release)
        database = await open_database(config, dsn, row.application_name, stack)
        journal = Journal(dsn, row, lanes=config.postgres.lanes, duplicate=DuplicateTurn)
        await journal.start()
        stack.push_async_callback(journal.stop)

        refs, publishing, clock = Refs(), Publishing(), SystemClock(timedelta(seconds=row.offset_seconds))
        events, letters = EventStore(database), DeadLetterStore(database)
        surroundings = HouseSurroundings(
            config, logs, house=row.name, postgres=await database.version(), started_at=datetime.now(UTC)
        )
        kinds = make_kinds(config, database, refs, clock)
        stack.callback(kinds.accounts.passwords.close)
        desk = SystemDesk(HouseStore(database), events, letters, surroundings)
        system = System(
            kinds=[*kinds.behaviours, desk], journal=journal, publisher=publishing, dead_letters=letters,
            record_idempotency=record_idempotency(clock), clock=clock, capacity=config.mailbox.house_capacity,
        )  # fmt: skip
        refs.system = surroundings.system = system
        await stack.enter_async_context(system)
        stack.callback(kinds.bell.close)

        relay = Relay(dsn, database, row)
        relay.add("inbox", NOTICES, deliver_notices(refs))
        await relay.start()
        stack.push_async_callback(relay.stop)

        channels = Channels(events, refs, await events.epoch())
        edges = make_edges(
            config, refs=refs, accounts=kinds.accounts, channels=channels, database=database, clock=clock, logs=logs,
            checks=checks(database, system),
        )  # fmt: skip
        publishing.add(kinds.accounts.identities.publish)
        publishing.add(edges.realtime.publish)
        edges.watch(system, journal, database, relay)
        housekeeping = Housekeeping(config, database, kinds, logs, surroundings)
        await run_beside(stack, *background(kinds, housekeeping, edges, server))
        yield House(config, refs, edges, row)


async def open_database(config: Config, dsn: str, name: str, stack: AsyncExitStack) -> Database:
    """Open the pool for reads."""
    database = await Database.open(
        dsn,
        name,
        pool_size=config.postgres.pool_max,
        acquire_timeout_seconds=config.postgres.acquire_timeout_seconds,
        command_timeout_seconds=config.postgres.command_timeout_seconds,
    )
    stack.push_async_callback(database.close)
    return database


def background(
    kinds: Kinds, housekeeping: Housekeeping, edges: Edges, server: PostgresServer | None
) -> list[Coroutine[Any, Any, None]]:
    """What runs beside the actors for as long as the house does."""
    work = [
        kinds.sweeper.run(),
        housekeeping.resume(),
        housekeeping.forget(),
        housekeeping.follow_config(),
        watch_loop_lag(edges.metrics.observe_loop_lag),
    ]
    return work if server is None else [*work, server.watch(housekeeping.postgres_restarted)]


async def run_beside(stack: AsyncExitStack, *work: Coroutine[Any, Any, None]) -> None:
    """Run coroutines until the stack unwinds."""
    tasks = [asyncio.create_task(part) for part in work]

    async def end() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stack.push_async_callback(end)


def record_idempotency(clock: SystemClock) -> Callable[[Caller, Idempotency, str], Write]:
    """Make the write that keeps what a key has made."""

    def record(caller: Caller, promise: Idempotency, made: str) -> Write:
        owner = caller.user_id or "anonymous"
        taken = Conflict("this idempotency key is in use", idempotency_key=promise.key)
        return insert_idempotency(
            owner, promise.route, promise.key, promise.body_hmac, made, clock.now(), taken
        )

    return record


@asynccontextmanager
async def replaying(config: Config, dsn: str) -> AsyncIterator[Replay]:
    """What `verify` needs, beside a running house or without one. Reads only."""
    async with AsyncExitStack() as stack:
        await migrate(dsn)
        database = await open_database(config, dsn, "posthouse-verify", stack)
        kinds = make_kinds(config, database, Refs(), SystemClock())
        stack.callback(kinds.accounts.passwords.close)
        yield Replay(EventStore(database), kinds.owned)
