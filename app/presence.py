"""Who is here now, and when the others were here last (`actors.chat.presence.Presence`)."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from actors.runtime.ports import Clock
from handlers.realtime.channels import of_user
from storage.errors import DatabaseUnavailable, IntegrityViolation
from storage.seen import SeenStore

log = structlog.get_logger()

KEEP_SECONDS = 1.0


Elsewhere = Callable[[Sequence[str]], Awaitable[Sequence[Collection[str]]]]
"""Channels -> for each, who is subscribed in other houses."""


class Sockets(Protocol):
    """Those who are connected to this house."""

    def is_here(self, user_id: str) -> bool:
        """Whether somebody is."""
        ...


class Presence:
    """``sockets`` is set once there are any, and calls `goodbye`; before that nobody is here.

    Goodbyes become rows together, a second later and when the house stops. A house that is killed forgets those of the
    last second, and never learns when the people went whom it was still connected to: for them an earlier
    moment stands.
    """

    def __init__(self, store: SeenStore, clock: Clock) -> None:
        self.sockets: Sockets | None = None
        self.elsewhere: Elsewhere | None = None
        self._store = store
        self._clock = clock
        self._gone: dict[str, datetime] = {}  # not in the rows yet
        self._is_anybody_gone = asyncio.Event()

    def goodbye(self, user_id: str) -> None:
        """Take note that the last connection of somebody is gone."""
        self._gone[user_id] = self._clock.now()
        self._is_anybody_gone.set()

    async def online(self, user_ids: Collection[str]) -> set[str]:
        """Those who are here now, or in another house."""
        here = set() if self.sockets is None else set(filter(self.sockets.is_here, user_ids))
        if self.elsewhere is not None and len(here) < len(user_ids):
            away = [user_id for user_id in user_ids if user_id not in here]
            found = await self.elsewhere([of_user(user_id) for user_id in away])
            here.update(user_id for user_id, people in zip(away, found, strict=True) if people)
        return here

    async def last_seen(self, user_ids: Collection[str]) -> dict[str, datetime]:
        """When each was here last; who has never been is left out. Raises `DatabaseUnavailable`."""
        noted = {user_id: self._gone[user_id] for user_id in user_ids if user_id in self._gone}
        kept = await self._store.list_seen(user_ids)
        return kept | {user_id: max(at, kept.get(user_id, at)) for user_id, at in noted.items()}

    async def run(self) -> None:
        """Keep what was noted, again and again, until cancelled."""
        while True:
            await self._is_anybody_gone.wait()
            await asyncio.sleep(KEEP_SECONDS)
            await self.keep()
            if not self._gone:
                self._is_anybody_gone.clear()

    async def keep(self) -> None:
        """Make rows of what was noted; what cannot be stored now waits for the next time."""
        if not self._gone:
            return
        gone = dict(self._gone)
        try:
            await self._store.save_seen(gone)
        except (DatabaseUnavailable, IntegrityViolation) as error:  # the latter: an account that ended this moment
            log.warning("seen_not_kept", people=len(gone), reason=str(error))
            return
        for user_id, at in gone.items():
            if self._gone[user_id] == at:
                del self._gone[user_id]
