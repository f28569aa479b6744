"""The edges of a house: HTTP, sockets, health, documentation, metrics."""

from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import NamedTuple

from aiohttp import web

from actors.runtime.message import Caller
from actors.runtime.ports import Clock
from actors.runtime.system import System
from app import VERSION
from app.accounts import AccountParts
from app.channels import Channels
from app.config import Config
from app.keyring import keep_secret
from app.logs import Logs
from app.mailboxes import Mailboxes
from app.metrics import Metrics
from app.openapi import document
from app.refs import Refs
from handlers import (
    account,
    api_key,
    chat,
    courier,
    delivery,
    label,
    letter,
    notification,
    op_code,
    outgoing,
    profile,
    push,
    report,
    session,
    task,
)
from handlers import system as system_desk
from handlers.dispatch import Dispatcher
from handlers.edge import Edge, EdgeSettings, Observe
from handlers.health import Check, Health
from handlers.operation import Operation
from handlers.pages import add_docs
from handlers.rate_limit import Limit
from handlers.realtime import Realtime
from handlers.routes import build_routes
from storage.idempotency import IdempotencyStore
from storage.journal import Journal
from storage.postgres import Database
from storage.relay import Relay

OPERATIONS: list[Operation] = [
    *account.OPERATIONS,
    *session.OPERATIONS,
    *api_key.OPERATIONS,
    *task.OPERATIONS,
    *notification.OPERATIONS,
    *push.OPERATIONS,
    *profile.OPERATIONS,
    *chat.OPERATIONS,
    *report.OPERATIONS,
    *courier.OPERATIONS,
    *op_code.OPERATIONS,
    *letter.OPERATIONS,
    *delivery.OPERATIONS,
    *label.OPERATIONS,
    *outgoing.OPERATIONS,
    *system_desk.OPERATIONS,
]
"""Every operation of the house. A new noun adds its own here."""


class Readiness:
    """Whether the house wants requests: not before it has started, nor while it stops."""

    is_open = False

    async def check(self) -> str | None:
        """None when it does."""
        return None if self.is_open else "starting or stopping"


class Records:
    """Implements `handlers.idempotency.IdempotencyRecords`."""

    def __init__(self, store: IdempotencyStore) -> None:
        self._store = store

    async def find(self, caller: str, route: str, key: str) -> tuple[bytes, str] | None:
        """What was made under a key."""
        made = await self._store.get_idempotency(caller, route, key)
        return None if made is None else (made.body_hmac, made.object_id or "")


def kinds(system: System) -> list[SimpleNamespace]:
    """Figures of every kind of actor."""
    return [
        SimpleNamespace(kind=kind, active=figures["actors"], **figures)
        for kind, figures in system.statistics()["kinds"].items()
    ]


class Edges(NamedTuple):
    """The edges, ready to be served."""

    web: web.Application
    realtime: Realtime
    metrics: Metrics
    readiness: Readiness
    limits: Mapping[str, Limit]

    def watch(self, system: System, journal: Journal, database: Database, relay: Relay) -> None:
        """Show figures of what lies behind."""
        self.metrics.watch_actors(lambda: kinds(system))
        self.metrics.watch_journal(journal.statistics)
        self.metrics.watch_pool(lambda: {"reads": database.statistics()})
        self.metrics.watch_realtime(self.realtime.statistics)
        self.metrics.watch_relay(relay.lag)


def checks(database: Database, system: System, shared: Mailboxes) -> dict[str, Check]:
    """What ``/ready`` looks at."""

    async def postgres() -> str | None:
        await database.ping()
        return None

    async def mailboxes() -> str | None:
        return "full" if system.waiting >= system.limit else None

    async def actors() -> str | None:
        return f"degraded: {', '.join(sorted(system.degraded))}" if system.degraded else None

    def of_shared(name: str) -> Check:
        async def check() -> str | None:
            return shared.trouble()[name]

        return check

    named = {name: of_shared(name) for name in shared.trouble()}
    return {"postgres": postgres, "mailboxes": mailboxes, "actors": actors, **named}


def make_edges(
    config: Config,
    *,
    refs: Refs,
    accounts: AccountParts,
    channels: Channels,
    database: Database,
    clock: Clock,
    logs: Logs,
    checks: Mapping[str, Check],
) -> Edges:
    """Make every route and the sockets; nothing listens yet."""
    metrics, readiness, app = Metrics({"version": VERSION}), Readiness(), web.Application()
    secret = keep_secret(config.secrets_folder / "idempotency")
    dispatcher = Dispatcher(refs, OPERATIONS, Records(IdempotencyStore(database)), secret)
    identities, keys = accounts.identities, accounts.keys
    edge = Edge(
        dispatcher=dispatcher, identities=identities, observer=partial(observer, metrics, logs),
        settings=edge_settings(config), rates=config.limits,
    )  # fmt: skip
    realtime = Realtime(
        identities=identities, streams=channels, permits=channels, performs=dispatcher, settings=config.realtime,
        clock=clock, version=VERSION,
    )  # fmt: skip
    build_routes(app, edge)
    app.router.add_get("/connection/websocket", realtime.handler)
    jwks = (lambda: {"keys": keys.public(clock.now())}) if keys.current.public else None
    Health(checks={"house": readiness.check, **checks}, metrics=metrics.scrape, jwks=jwks).add_to(app)
    add_docs(app, partial(document, OPERATIONS, title="Posthouse", version=VERSION))
    return Edges(app, realtime, metrics, readiness, edge.limits)


def edge_settings(config: Config) -> EdgeSettings:
    """What the HTTP edge needs of the configuration."""
    return EdgeSettings(
        cors_origins=config.http.cors_origins,
        trusted_proxies=config.http.trusted_proxies,
        body_timeout_seconds=config.http.body_timeout_seconds,
    )


def observer(metrics: Metrics, logs: Logs, method: str, pattern: str) -> Observe:
    """What happens after each answer of a route: two metrics and one line of the log."""
    count = metrics.requests_of(method, pattern)
    write = logs.log_request

    def observe(status: int, seconds: float, caller: Caller, request_id: str, path: str) -> None:
        count(status, seconds)
        write(
            method, path, pattern, status, seconds, request_id=request_id, user_id=caller.user_id,
            address=caller.address,
        )  # fmt: skip

    return observe
