"""Actors, journal, relay and timers of a house on a PostgreSQL, without edges, on a clock that is set by hand."""

import asyncio
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
QUIET_SECONDS = 5.0
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

    async def tell_timers(self) -> int:
        """Tell due timers until none is; one whose turn is refused for now stays, and is told again some time."""
        told = 0
        while count := await self._core.timers.tell_due():
            told += count
            await self._wait_for_turns(self.now)
        return told

    async def settle(self) -> None:
        """Wait until the relay's consumers have heard of everything."""
        while any((await self._core.relay.lag()).values()):  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(0.02)

    def _count(self, code: str) -> None:
        self.refused[code] = self.refused.get(code, 0) + 1

    async def _wait_for_turns(self, now: datetime) -> None:
        loop = asyncio.get_running_loop()
        before, quiet_at = -1, loop.time() + QUIET_SECONDS
        while loop.time() < quiet_at:
            due = len(await self._timers.list_due(now, 10_000))
            if due == 0:
                return
            if due != before:
                before, quiet_at = due, loop.time() + QUIET_SECONDS / 5
            await asyncio.sleep(0.005)


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
