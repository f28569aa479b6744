"""Puts a house together: database, journal, actors, relay, edges. The only place that knows all of them."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from actors.chat.arrivals import ARRIVALS, Arrivals
from actors.errors import Conflict
from actors.letter.losses import LOSSES, Losses
from actors.notification import HEARD, deliver_notices
from actors.runtime.actor import Idempotency
from actors.runtime.clock import SystemClock
from actors.runtime.message import Caller
from actors.runtime.ports import DuplicateTurn
from actors.runtime.system import System
from actors.runtime.timers import POLL_SECONDS, Timers
from actors.system import SystemDesk
from app.audience import Audience
from app.beside import running
from app.channels import Channels
from app.chat_channels import ChatChannels
from app.config import Config
from app.courier_channels import CourierChannels
from app.courier_levels import LEVELS, deliver_levels
from app.desk_channels import DeskChannels
from app.edges import Edges, checks, make_edges
from app.housekeeping import Housekeeping
from app.kinds import Kinds, make_kinds
from app.letter_channels import LetterChannels
from app.logs import Logs, watch_loop_lag
from app.mailboxes import Mailboxes, open_mailboxes
from app.outgoing import open_deliveries
from app.pacing import follow_commits, looks_of
from app.publishing import Publishing
from app.recalls import Recalls
from app.refs import Refs
from app.replay import Replay
from app.surroundings import HouseSurroundings
from app.tallies import check_letters, check_loads, check_ties
from app.timing import Clockwork
from storage.chat import ChatStore
from storage.chat_arrival import ChatArrivalStore
from storage.dead_letters import DeadLetterStore
from storage.events import EventStore
from storage.house import House as HouseRow
from storage.houses import HouseStore
from storage.idempotency import insert_idempotency
from storage.journal import Journal
from storage.migrations import migrate
from storage.postgres import Database
from storage.postgres_server import PostgresServer
from storage.relay import POLL_SECONDS as RELAY_SECONDS
from storage.relay import Relay
from storage.timers import TimerStore
from storage.write import Write

if TYPE_CHECKING:
    from app.wires import Wires

log = structlog.get_logger()


class House:
    """A running house, as `app.application` sees it."""

    def __init__(self, core: "Core", edges: Edges, wires: "Wires | None") -> None:
        self.refs = core.refs
        self.realtime = edges.realtime
        self.web = edges.web
        self.wires = wires
        self._core = core
        self._edges = edges

    def open(self, give_up: Callable[[], None]) -> None:
        """Say that requests are welcome; ``give_up`` is called when the house may write no more."""
        self._edges.readiness.is_open = True
        self._core.base.row.on_lost = give_up

    def close(self) -> None:
        """Say that requests are not welcome any more, and let those go that wait for tasks."""
        self._edges.readiness.is_open = False
        self._core.mailboxes.leave()
        self._core.kinds.bell.close()


class Base(NamedTuple):
    """What lies in the database's name: the house's row and lease, the pool for reads, the journal."""

    dsn: str
    row: HouseRow
    database: Database
    journal: Journal


class Core(NamedTuple):
    """The actors, and what feeds them and hears of them."""

    base: Base
    refs: Refs
    clock: SystemClock
    kinds: Kinds
    system: System
    relay: Relay
    audience: Audience
    publishing: Publishing
    surroundings: HouseSurroundings
    timers: Timers
    mailboxes: Mailboxes


@asynccontextmanager
async def compose(config: Config, dsn: str, server: PostgresServer | None, logs: Logs) -> AsyncIterator[House]:
    """Start everything but the listening; stop it in reverse. Raises what storage raises when it cannot start."""
    async with AsyncExitStack() as stack:
        base = await open_base(config, dsn, stack)
        core = await start_core(config, base, logs, stack)
        events, recalls = EventStore(base.database), Recalls(ChatStore(base.database))
        channels = Channels(events, recalls, core.kinds.couriers.store, core.refs, await events.epoch())
        edges = make_edges(
            config, refs=core.refs, accounts=core.kinds.accounts, channels=channels, database=base.database,
            clock=core.clock, logs=logs, checks=checks(base.database, core.system, core.mailboxes),
        )  # fmt: skip
        core.publishing.add(core.kinds.accounts.identities.publish)
        core.publishing.add(ChatChannels(edges.realtime.hub).publish)  # before the hub hears of it
        core.publishing.add(LetterChannels(edges.realtime.hub, edges.realtime.publish).publish)
        territories = CourierChannels(edges.realtime.hub, core.kinds.couriers.store)
        core.publishing.add(territories.publish)
        watch_people(core, edges, stack)
        desk = DeskChannels(edges.realtime.hub, core.surroundings, core.clock)
        core.publishing.add(desk.publish)
        stack.callback(logs.subscribe(desk.lines))
        wires = None
        if config.mailbox.transport == "redis":
            from app.wires import Ends, connect_house  # noqa: PLC0415 - redis's import takes 0.3 s

            ends = Ends(core.clock, core.kinds, edges, core.audience, core.publishing, desk, territories)
            wires = await connect_house(config.redis.url, dsn, base.row, ends, stack)
        edges.watch(core.system, base.journal, base.database, core.relay)
        core.kinds.outgoing.watch(edges.metrics)
        core.mailboxes.watch(edges.metrics)
        housekeeping = Housekeeping(config, base.database, core.kinds, logs, core.surroundings)
        work = background(core, housekeeping, edges, server)
        around = core.timers.run(), desk.measure(), territories.watch(), core.mailboxes.tell()
        await run_beside(stack, *around, *work)
        yield House(core, edges, wires)


def watch_people(core: Core, edges: Edges, stack: AsyncExitStack) -> None:
    """Let the sockets say who is here, and who watches what; at the end what they said last is kept."""
    core.audience.hub = edges.realtime.hub
    presence = core.kinds.presence
    presence.sockets = edges.realtime.registry
    edges.realtime.registry.on_gone(presence.goodbye)
    stack.push_async_callback(presence.keep)


async def open_base(config: Config, dsn: str, stack: AsyncExitStack) -> Base:
    """Bring the database up to date, claim the house, and connect."""
    await migrate(dsn)
    row = await HouseRow.claim(
        dsn, config.house.name, address=config.address, alone=config.mailbox.transport == "memory"
    )
    stack.push_async_callback(row.release)
    database = await open_database(config, dsn, row.application_name, stack)
    journal = Journal(dsn, row, lanes=config.postgres.lanes, duplicate=DuplicateTurn)
    await journal.start()
    stack.push_async_callback(journal.stop)
    return Base(dsn, row, database, journal)


async def start_core(config: Config, base: Base, logs: Logs, stack: AsyncExitStack) -> Core:
    """Make every actor, and start the system and the relay."""
    refs, publishing, clock = Refs(), Publishing(), SystemClock()
    follow_clock(clock, base.row)
    database, letters = base.database, DeadLetterStore(base.database)
    surroundings = HouseSurroundings(
        config, logs, house=base.row.name, postgres=await database.version(), started_at=clock.now()
    )
    mailboxes = await stack.enter_async_context(open_mailboxes(config, base.row, database))
    clockwork = Clockwork(TimerStore(database), mailboxes.partitions)
    kinds = make_kinds(config, database, refs, clock, clockwork, publishing.publish)
    stack.callback(kinds.accounts.passwords.close)
    desk = SystemDesk(HouseStore(database), EventStore(database), letters, surroundings)
    system = System(
        kinds=[*kinds.behaviours, desk], journal=base.journal, publisher=publishing, dead_letters=letters,
        record_idempotency=record_idempotency(clock), clock=clock, transport=mailboxes.transport,
        capacity=config.mailbox.house_capacity, mailbox_capacity=config.mailbox.capacity,
    )  # fmt: skip
    refs.system = surroundings.system = clockwork.system = system
    surroundings.outgoing = list(kinds.outgoing.channels)
    await open_deliveries(kinds.outgoing, config, database=database, clock=clock, ref=refs, stack=stack)
    await stack.enter_async_context(system)
    await stack.enter_async_context(mailboxes.shared())
    poll_seconds = looks_of(config, RELAY_SECONDS).most_seconds
    relay = Relay(database, base.row, base.journal.recent, mailboxes.adopts, poll_seconds=poll_seconds)
    relay.add("inbox", HEARD, deliver_notices(refs))
    audience = Audience()
    arrivals = Arrivals(ChatArrivalStore(database), refs, audience, publishing.publish, audience.elsewhere)
    relay.add("chats", ARRIVALS, arrivals.deliver)
    relay.add("letters", LOSSES, Losses(kinds.letters, refs).deliver)
    relay.add("courier_levels", LEVELS, deliver_levels(kinds.couriers.store, refs))
    await relay.start()
    stack.push_async_callback(relay.stop)
    timers = Timers(system, clockwork, looks_of(config, POLL_SECONDS))
    deliveries = kinds.outgoing.deliveries
    follow_commits(config, base.journal, [timers.looks, kinds.sweeper.looks, *(one.looks for one in deliveries)])
    return Core(base, refs, clock, kinds, system, relay, audience, publishing, surroundings, timers, mailboxes)


async def open_database(config: Config, dsn: str, name: str, stack: AsyncExitStack) -> Database:
    """Open the pool for reads."""
    database = await Database.open(
        dsn,
        name,
        pool_min=config.postgres.pool_min,
        pool_size=config.postgres.pool_max,
        acquire_timeout_seconds=config.postgres.acquire_timeout_seconds,
        command_timeout_seconds=config.postgres.command_timeout_seconds,
    )
    stack.push_async_callback(database.close)
    return database


def follow_clock(clock: SystemClock, row: HouseRow) -> None:
    """Correct the clock by the offset to the database's, which each renewal of the lease measures."""

    def correct() -> None:
        clock.offset = timedelta(seconds=row.offset_seconds)

    row.on_renewed = correct
    correct()


def background(
    core: Core, housekeeping: Housekeeping, edges: Edges, server: PostgresServer | None
) -> list[Coroutine[Any, Any, None]]:
    """What runs beside the actors for as long as the house does."""
    kinds = core.kinds
    work = [
        kinds.sweeper.run(),
        *(delivery.run() for delivery in kinds.outgoing.deliveries),
        kinds.presence.run(),
        housekeeping.forget(),
        housekeeping.follow_config(),
        watch_lag(core.system, edges),
    ]
    return work if server is None else [*work, server.watch(housekeeping.postgres_restarted)]


async def watch_lag(system: System, edges: Edges) -> None:
    """Watch how late the loop is, while there is anybody or anything that it would delay."""
    sockets = edges.realtime.registry

    async def until_needed() -> None:
        if system.rests and not len(sockets):
            await system.until_at_work()

    await watch_loop_lag(edges.metrics.observe_loop_lag, rests=lambda: system.rests, until_needed=until_needed)


async def run_beside(stack: AsyncExitStack, *work: Coroutine[Any, Any, None]) -> None:
    """Run coroutines until the stack unwinds."""
    await stack.enter_async_context(running(*work))


def record_idempotency(clock: SystemClock) -> Callable[[Caller, Idempotency, str], Write]:
    """Make the write that keeps what a key has made."""

    def record(caller: Caller, promise: Idempotency, made: str) -> Write:
        owner = caller.user_id or "anonymous"
        taken = Conflict("this idempotency key is in use", idempotency_key=promise.key)
        return insert_idempotency(owner, promise.route, promise.key, promise.body_hmac, made, clock.now(), taken)

    return record


@asynccontextmanager
async def replaying(config: Config, dsn: str) -> AsyncIterator[Replay]:
    """What `verify` needs, beside a running house or without one. Reads only: the database is as the house left it."""
    async with AsyncExitStack() as stack:
        database = await open_database(config, dsn, "posthouse-verify", stack)
        kinds = make_kinds(
            config, database, Refs(), SystemClock(), Clockwork(TimerStore(database), lambda: None), lambda _: None
        )
        stack.callback(kinds.accounts.passwords.close)
        tallies = [
            partial(check_ties, kinds.profiles), partial(check_loads, kinds.couriers.store),
            partial(check_letters, kinds.letters),
        ]  # fmt: skip
        yield Replay(EventStore(database), kinds.owned, tallies)
