"""Profiles, and who follows whom."""

from collections.abc import AsyncIterator
from datetime import datetime

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("profile")
LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
FIRST_ID = "00000000-0000-0000-0000-000000000000"


class ProfileStore:
    """Reads; writes go through the journal. Whom a viewer is blocked by is not there, unless ``sees_all``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_about(self, user_id: str) -> Record | None:
        """The profile's own row."""
        return await self._database.fetchrow(Q.get_about, user_id)

    async def get_profile(
        self, viewer: str | None, *, sees_all: bool, user_id: str | None = None, username: str | None = None
    ) -> Record | None:
        """A profile by id or, where that is None, by username, with counts and the viewer's relation."""
        return await self._database.fetchrow(Q.get_profile, viewer, sees_all, user_id, username)

    async def get_person(self, user_id: str, viewer_id: str | None) -> Record | None:
        """What a stranger sees of an account; None when there is none, or its person has blocked the viewer."""
        return await self._database.fetchrow(Q.get_person, user_id, viewer_id)

    async def list_followers(
        self, viewer: str | None, user_id: str, *, sees_all: bool, before: tuple[datetime, str] | None, limit: int
    ) -> list[Record]:
        """Who follows a person, newest first; ``before`` is (since, id) of the last one seen."""
        at, before_id = before or (None, LAST_ID)
        return await self._database.fetch(Q.list_followers, viewer, sees_all, user_id, at, before_id, limit)

    async def list_following(
        self, viewer: str | None, user_id: str, *, sees_all: bool, before: tuple[datetime, str] | None, limit: int
    ) -> list[Record]:
        """Whom a person follows, newest first."""
        at, before_id = before or (None, LAST_ID)
        return await self._database.fetch(Q.list_following, viewer, sees_all, user_id, at, before_id, limit)

    async def list_tallies(self, batch: int = 1_000) -> AsyncIterator[Record]:
        """All people: ``followers``, ``n`` as kept; ``follows``, ``events`` as counted; ``across``: despite a block."""
        last = FIRST_ID
        while rows := await self._database.fetch(Q.list_tallies, last, batch):
            for row in rows:
                yield row
            last = rows[-1]["id"]
