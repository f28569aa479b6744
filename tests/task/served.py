"""The house with tasks behind the real edge, on a real socket."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from actors.errors import Unauthorized
from actors.runtime.message import Caller
from handlers.dispatch import Dispatcher
from handlers.edge import Edge, EdgeSettings
from handlers.ports import Identity, Revocation
from handlers.rate_limit import LimitSettings
from handlers.routes import build_routes
from handlers.server import Runner
from handlers.task import OPERATIONS
from storage.idempotency import IdempotencyStore
from tests.task.house import WORKER, TaskHouse


class Tokens:
    """Callers by token."""

    def __init__(self, **callers: Caller) -> None:
        self.callers = callers

    def known(self, token: str) -> Identity | None:
        caller = self.callers.get(token)
        return None if caller is None else Identity(caller, 2e9)

    async def verify(self, token: str) -> Identity:
        raise Unauthorized(f"not a valid token: {token}")

    def on_revoked(self, listener: Callable[[Revocation], None]) -> None:
        pass


class Records:
    """Idempotency keys as `app` wires them."""

    def __init__(self, house: TaskHouse) -> None:
        self._store = IdempotencyStore(house.database)

    async def find(self, caller: str, route: str, key: str) -> tuple[bytes, str] | None:
        made = await self._store.get_idempotency(caller, route, key)
        return None if made is None else (made.body_hmac, made.object_id or "")


@asynccontextmanager
async def served(house: TaskHouse, port: int = 0, **callers: Caller) -> AsyncIterator[str]:
    """Serve the tasks of a house; yields the address. The token ``worker`` is a worker's key."""

    def ref(kind: str, key: str) -> Any:
        return house.system.ref(kind, key)

    edge = Edge(
        dispatcher=Dispatcher(ref, OPERATIONS, Records(house), b"secret"),
        identities=Tokens(worker=WORKER, **callers),
        observer=lambda *_: lambda *_: None,
        settings=EdgeSettings(),
        rates=LimitSettings(enabled=False),
    )
    app = web.Application()
    build_routes(app, edge)
    runner = Runner(app, shutdown_timeout=0.1, lingering_time=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
