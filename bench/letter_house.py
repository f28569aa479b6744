"""Actors, journal, relay and timers of a house on a PostgreSQL, without edges, on a clock that is set by hand."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from actors.auth.settings import AuthSettings
from actors.errors import Conflict, Forbidden, NotFound, Unavailable
from actors.runtime.message import SYSTEM, Caller
from app import logs
from app.composition import Core, open_base, start_core
from app.config import Config, Data
from storage.timers import TimerStore

ANSWER_SECONDS = 60.0
QUIET_SECONDS = 1.0
LOOK_SECONDS = 0.05
TRIES = 100
PAUSE_SECONDS = 0.2
REFUSALS = (Conflict, Forbidden, NotFound)


class LetterHouse:
    """Asks actors, moves the clock, and looks into the tables."""

    def __init__(self, core: Core, dsn: str) -> None:
        self._core = core
        self._timers = TimerStore(core.base.database)
        self._dsn = dsn
        self.core = core
        self.refused: dict[str, int] = {}
        self.done = 0

    @property
    def now(self) -> datetime:
        """The time in the house."""
        return self._core.clock.now()

    async def ask(self, kind: str, message: Any, caller: Caller = SYSTEM, key: str = "") -> Any:
        """Ask an actor; None where it refuses, which is counted. Where the house is too busy, ask again a bit later."""
        for _ in range(TRIES):
            try:
                found = await self._core.refs(kind, key).ask(message, caller, ANSWER_SECONDS)
            except Unavailable:
                self._count("unavailable")
                await asyncio.sleep(PAUSE_SECONDS)
            except REFUSALS as error:
                self._count(error.code)
                return None
            else:
                self.done += 1
                return found
        raise RuntimeError(f"the house stays unavailable: {self.refused}")

    async def sql(self, text: str, *args: Any) -> Sequence[Any]:
        """Run any statement on a connection of its own."""
        connection = await asyncpg.connect(self._dsn)
        try:
            return await connection.fetch(text, *args)
        finally:
            await connection.close()

    async def pass_time(self, minutes: float) -> None:
        """Move the clock on, and wait until the timers that are due by then have had their turns."""
        self._core.clock.offset += timedelta(minutes=minutes)
        await self.tell_timers()

    async def tell_timers(self) -> None:
        """Wait until no timer is due; one whose turn is refused for now stays, and is told again some time."""
        first, quiet_at = await self._first_due(), time.monotonic() + QUIET_SECONDS
        while first and time.monotonic() < quiet_at:
            await self._core.timers.tell_due()
            await asyncio.sleep(LOOK_SECONDS)
            before, first = first, await self._first_due()
            if first != before:
                quiet_at = time.monotonic() + QUIET_SECONDS

    async def settle(self) -> None:
        """Wait until the relay's consumers have heard of everything."""
        while any((await self._core.relay.lag()).values()):  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(0.02)

    def _count(self, code: str) -> None:
        self.refused[code] = self.refused.get(code, 0) + 1

    async def _first_due(self) -> list[str]:
        """The first timer that is due."""
        return [timer.id for timer in await self._timers.list_due(self.now, 1)]


@asynccontextmanager
async def open_letters(dsn: str, folder: Path) -> AsyncIterator[LetterHouse]:
    """Start it; everything is durable as the database is."""
    auth = AuthSettings(argon2_memory_kib=8, argon2_passes=1)
    config = Config(data=Data(dir=str(folder)), auth=auth)
    log = logs.start(path=folder / "house.log", level="warning", stdout=False)
    try:
        async with AsyncExitStack() as stack:
            base = await open_base(config, dsn, stack)
            core = await start_core(config, base, log, stack)
            yield LetterHouse(core, dsn)
    finally:
        log.close()
