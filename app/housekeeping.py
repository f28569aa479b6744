"""What a house does for itself now and then: forget by age, go on with what was interrupted, follow its settings."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace

from app.config import Change, Config, compare
from app.config_sources import ConfigError, reload
from app.kinds import Kinds
from app.logs import Logs
from app.surroundings import HouseSurroundings
from app.watched_file import changes
from storage.dead_letters import DeadLetterStore
from storage.errors import DatabaseUnavailable
from storage.events import EventStore
from storage.idempotency import IdempotencyStore
from storage.postgres import Database

log = structlog.get_logger()

FORGET_SECONDS = 3_600.0
BATCH = 1_000
IDEMPOTENCY_LIFETIME = timedelta(hours=24)


class Housekeeping:
    """Runs beside the actors. A database that is gone stops none of it for good."""

    def __init__(
        self, config: Config, database: Database, kinds: Kinds, logs: Logs, surroundings: HouseSurroundings
    ) -> None:
        self._config = config
        self._kinds = kinds
        self._logs = logs
        self._surroundings = surroundings
        self._events = EventStore(database)
        self._keys = IdempotencyStore(database)
        self._letters = DeadLetterStore(database)

    async def forget(self) -> None:
        """Delete what is older than it may get, every hour."""
        while True:
            await self._try(self._forget_all)
            await asyncio.sleep(FORGET_SECONDS)

    async def follow_config(self) -> None:
        """Apply what may change while the house runs, whenever the file changes; say what needs a restart."""
        if self._config.origin.file is None:
            return
        async for _ in changes(self._config.origin.file.resolve(), self._config.origin.mark):
            await self._reload()

    def postgres_restarted(self, seconds: float) -> None:
        """PostgreSQL had ended by itself, and is back."""
        log.error("postgres_restarted", away_seconds=round(seconds, 3))

    async def _try(self, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except DatabaseUnavailable as error:
            log.warning("housekeeping_failed", work=work.__name__, error=str(error))
        except Exception:
            log.exception("housekeeping_failed", work=work.__name__)

    async def _forget_all(self) -> None:
        keep, clock = self._config.retention, self._surroundings.system.clock
        now, kinds = clock.now(), self._kinds
        await self._keys.delete_idempotency(now - IDEMPOTENCY_LIFETIME)
        if keep.events_days:
            await self._events.delete_events(now - timedelta(days=keep.events_days))
        if keep.dead_letters_days:
            await self._letters.delete_old(now - timedelta(days=keep.dead_letters_days))
        if keep.sessions_days:
            before = now - timedelta(days=keep.sessions_days)
            await kinds.accounts.sessions.delete_dead(seen_before=before, now=now)
        for days, delete in (
            (keep.tasks_days, kinds.tasks.delete_old_tasks),
            (keep.tasks_days, kinds.tasks.delete_old_workers),
            (keep.notifications_days, kinds.notification_store.delete_old),
            (keep.outgoing_days, kinds.outgoing.store.delete_old),
            (keep.dead_letters_days, kinds.outgoing.store.delete_old_dead),
            (keep.scans_days, kinds.deliveries.delete_scans),
        ):
            if days:
                await in_batches(delete, now - timedelta(days=days))

    async def _reload(self) -> None:
        try:
            fresh = await asyncio.to_thread(reload, self._config)
        except ConfigError as error:
            log.error("config_refused", error=str(error))  # noqa: TRY400 - the message says it all
            return
        config = self._config
        for change in compare(config, fresh):
            log.warning(
                "config_reloaded" if change.applies else "config_needs_restart",
                setting=f"{change.section}.{change.key}", old=change.old, new=change.new,
            )  # fmt: skip
            if change.applies:
                config = applied(config, fresh, change)
        self._config = self._surroundings.config = config
        self._logs.set_level(config.log.level)


async def in_batches(delete: Callable[[datetime, int], Awaitable[int]], before: datetime) -> None:
    """Delete what is from before a moment, in small transactions."""
    while await delete(before, BATCH) == BATCH:
        pass


def applied(config: Config, fresh: Config, change: Change) -> Config:
    """Return ``config`` with one setting, and where it comes from, as they are in ``fresh``."""
    name = change.section, change.key
    section = replace(
        getattr(config, change.section), **{change.key: getattr(getattr(fresh, change.section), change.key)}
    )
    sources = {key: source for key, source in config.origin.sources.items() if key != name}
    if name in fresh.origin.sources:
        sources[name] = fresh.origin.sources[name]
    return replace(config, **{change.section: section, "origin": config.origin._replace(sources=sources)})
