"""A running system per test, on a clock that the test owns."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from actors.runtime.actor import Ref
from actors.runtime.clock import ManualClock
from actors.runtime.ports import Clock
from actors.runtime.system import System
from actors.runtime.transport import MemoryTransport, PackedMemoryTransport, Transport
from tests.runtime.world import Counter, Desk, Store


@dataclass
class World:
    """Everything a test touches."""

    system: System
    store: Store
    counter: Counter
    desk: Desk
    clock: ManualClock

    def ref(self, key: str = "a", kind: str = "counter") -> Ref:
        return self.system.ref(kind, key)

    @property
    def service(self) -> Ref:
        return self.system.ref("desk")

    async def settle(self) -> None:
        """Let everything run that can run without time passing."""
        for _ in range(30):
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float, *, step: float = 0.1) -> None:
        """Let time pass, tick by tick."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            self.system.tick()
            await self.settle()


TRANSPORTS: dict[str, Callable[[], Transport]] = {"memory": MemoryTransport, "memory-packed": PackedMemoryTransport}


@pytest.fixture(params=list(TRANSPORTS))
def transport(request: pytest.FixtureRequest) -> Transport:
    """Each transport in turn: a new one joins the suites by joining `TRANSPORTS`."""
    return TRANSPORTS[request.param]()


@pytest.fixture
async def world(transport: Transport) -> AsyncIterator[World]:
    """A small world over each transport; its gates are opened at the end."""
    async with open_world(transport) as world:
        yield world


@asynccontextmanager
async def open_world(transport: Transport) -> AsyncIterator[World]:
    store, clock, desk = Store(), ManualClock(), Desk()
    counter = Counter(store)
    system = make_system(transport, store, counter, desk, clock)
    desk.find = system.ref
    async with system:
        yield World(system, store, counter, desk, clock)
        counter.gate.set()
        desk.gate.set()
        store.open.set()


def make_system(transport: Transport, store: Store, counter: Counter, desk: Desk, clock: Clock) -> System:
    return System(
        kinds=[counter, desk],
        journal=store,
        publisher=store,
        dead_letters=store,
        record_idempotency=lambda caller, idempotency, made: ("key", caller.user_id, idempotency.key, made),
        clock=clock,
        transport=transport,
        capacity=300,
    )
