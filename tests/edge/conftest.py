"""A house with one noun behind the real edge: real runtime, real sockets."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from aiohttp import ClientSession, web

from actors.errors import Unauthorized
from actors.runtime.message import Caller
from actors.runtime.system import System
from handlers.dispatch import Dispatcher
from handlers.edge import Edge, EdgeSettings, Observe, Observer
from handlers.ports import Identity, Revocation
from handlers.rate_limit import LimitSettings
from handlers.routes import build_routes
from handlers.server import Runner
from tests.edge.notes import OPERATIONS, Memory, Notes
from tests.transport import IS_REDIS, carried

ALICE = "0198b7a0-0000-7000-8000-00000000000a"
BOB = "0198b7a0-0000-7000-8000-00000000000b"


class Tokens:
    """Known tokens; `late` is one that has to be verified first."""

    callers: ClassVar = {
        "alice": Caller(ALICE, "user", "s1"),
        "bob": Caller(BOB, "user", "s2"),
        "admin": Caller(BOB, "admin", "s3"),
        "reader": Caller(ALICE, "user", api_key_id="k1", scopes=frozenset({"read"})),
        "worker": Caller(ALICE, "user", api_key_id="k2", scopes=frozenset({"worker"})),
    }

    def known(self, token: str) -> Identity | None:
        caller = self.callers.get(token)
        return None if caller is None else Identity(caller, 2e9)

    async def verify(self, token: str) -> Identity:
        if token != "late":
            raise Unauthorized("not a valid token")
        return Identity(self.callers["alice"], 2e9)

    def on_revoked(self, listener: Callable[[Revocation], None]) -> None:
        raise AssertionError(f"nobody listens for revocations here: {listener}")


Seen = tuple[str, str, int, str | None, str]
"""Method, pattern, status, user id, request id."""


def watching(seen: list[Seen]) -> Observer:
    """Note every answer."""

    def observer(method: str, pattern: str) -> Observe:
        return lambda status, _seconds, caller, name, _path: seen.append(
            (method, pattern, status, caller.user_id, name)
        )

    return observer


@dataclass
class House:
    """A running house and what its observers saw."""

    http: ClientSession
    port: int
    notes: Notes
    memory: Memory
    dispatcher: Dispatcher
    seen: list[Seen] = field(default_factory=list)

    def as_(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}


Start = Callable[..., Any]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a house with settings of its own."""
    async with AsyncExitStack() as stack:

        async def start(rates: LimitSettings | None = None, **settings: Any) -> House:
            notes, memory = Notes(), Memory()
            system = await stack.enter_async_context(
                System(
                    kinds=[notes],
                    journal=memory,
                    publisher=memory,
                    dead_letters=memory,
                    record_idempotency=memory.record,
                    transport=await stack.enter_async_context(carried()) if IS_REDIS else None,
                )
            )
            seen: list[Seen] = []
            dispatcher = Dispatcher(system.ref, OPERATIONS, memory, b"secret")
            edge_settings = EdgeSettings(**settings)
            edge = Edge(
                dispatcher=dispatcher,
                identities=Tokens(),
                observer=watching(seen),
                settings=edge_settings,
                rates=rates or LimitSettings(),
            )
            app = web.Application()
            build_routes(app, edge)
            proxies = edge_settings.trusted_proxies
            runner = Runner(app, shutdown_timeout=1, lingering_time=0.1, trusted_proxies=proxies)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            stack.callback(notes.gate.set)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            port: int = runner.addresses[0][1]
            http = await stack.enter_async_context(ClientSession(f"http://127.0.0.1:{port}"))
            return House(http, port, notes, memory, dispatcher, seen)

        yield start


@pytest.fixture
async def house(start: Start) -> House:
    """A house with the settings that everybody gets."""
    running: House = await start()
    return running
