"""Shorthands for people and what they want with each other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from app.replay import Difference, Replay
from app.tallies import check_ties
from storage.events import EventStore
from storage.profile import ProfileStore
from tests.system.house import Person, ServedHouse, open_served

NOTHING = {"is_following": False, "is_followed_by": False, "is_mutual": False, "is_blocked": False}


class ProfileHouse:
    """A served house, seen as the people in it."""

    def __init__(self, served: ServedHouse) -> None:
        self.served = served
        self.refs = served.refs
        self.sql = served.sql

    async def get(self, person: Person, path: str, *, expect: int = 200) -> Any:
        """Read below ``/profiles``."""
        return await self.served.call("GET", f"/profiles/{path}", person.token, expect=expect)

    async def put(self, person: Person, path: str, *, expect: int = 204) -> Any:
        """Want something, or change something."""
        return await self.served.call("PUT", f"/profiles/{path}", person.token, expect=expect)

    async def end(self, person: Person, path: str, *, expect: int = 204) -> Any:
        """Want it no longer."""
        return await self.served.call("DELETE", f"/profiles/{path}", person.token, expect=expect)

    async def patch(self, person: Person, body: Any, *, expect: int = 200) -> Any:
        """Change one's own profile."""
        return await self.served.call("PATCH", "/profiles/me", person.token, body, expect=expect)

    async def relation(self, person: Person, username: str) -> set[str]:
        """What is true of a person and another."""
        relation = (await self.get(person, username))["relation"]
        return {name for name, is_true in relation.items() if is_true}

    async def counts(self, person: Person, username: str) -> tuple[int, int]:
        """Followers and following, as a person sees them."""
        counts = (await self.get(person, username))["counts"]
        return counts["followers"], counts["following"]

    async def crowd(self, size: int) -> list[Caller]:
        """Many people with profiles, straight into their rows; usernames ``p<n>_``."""
        ids = [uuid7() for _ in range(size)]
        await self.sql(
            "with made as (insert into account (id, n, username, role, status, created_at)"
            " select id, 1, 'p' || ord || '_', 'user', 'active', now() from unnest($1::uuid[])"
            " with ordinality r(id, ord) returning id, username)"
            " insert into profile (user_id, display_name) select id, username from made",
            ids,
        )
        return [Caller(user_id=user_id, role="user") for user_id in ids]

    async def ask(self, message: Any, caller: Caller, **options: Any) -> Any:
        """Ask the service, without an edge."""
        return await self.refs("profiles").ask(message, caller, **options)

    async def told(self, person: Person) -> list[tuple[int, str]]:
        """Numbers and types of the events of a person's ties."""
        rows = await self.sql("select n, type from event where stream = $1 order by n", f"ties:{person.id}")
        return [(row["n"], row["type"].removeprefix("profile.")) for row in rows]

    async def differences(self) -> list[Difference]:
        """What `verify` finds."""
        core = self.served.house._core
        tally = partial(check_ties, ProfileStore(core.base.database))
        replay = Replay(EventStore(core.base.database), core.kinds.owned, [tally])
        return [found async for found in replay.verify() if found is not None]


@asynccontextmanager
async def open_profiles(dsn: str, folder: Path) -> AsyncIterator[ProfileHouse]:
    """A house that listens; at the end `verify` finds nothing in it."""
    async with open_served(dsn, folder) as served:
        house = ProfileHouse(served)
        yield house
        assert await house.differences() == []
