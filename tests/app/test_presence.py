"""Who is here, and when the others were here last: together into rows, never backwards, never in the way."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from actors.runtime.ids import uuid7
from app.presence import Presence
from storage.errors import DatabaseUnavailable
from storage.postgres import Database
from storage.queries import Statement
from storage.seen import SeenStore

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class HandClock:
    """A clock that stands still until it is set."""

    time = NOON

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()


class Here(set[str]):
    """Those who have a socket."""

    is_here = set[str].__contains__


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_dsn, "test")
    yield opened
    await opened.close()


async def account(database: Database) -> str:
    """Somebody's id."""
    user_id = uuid7()
    made = (
        "insert into account (id, n, username, role, status, created_at)"
        " values ($1::uuid, 1, 'p' || $1::uuid, 'user', 'active', now())"
    )
    await database.execute(Statement("test", made, "exec"), user_id)
    return user_id


async def rows(database: Database) -> dict[str, datetime]:
    """What is stored."""
    found = await database.fetch(Statement("test", "select user_id, at from seen", "many"))
    return {row["user_id"]: row["at"] for row in found}


async def test_a_goodbye_is_known_at_once_and_a_row_soon(database: Database) -> None:
    ada, bob, eve = [await account(database) for _ in range(3)]
    clock = HandClock()
    presence = Presence(SeenStore(database), clock)
    assert await presence.online([ada, bob]) == set()
    presence.sockets = Here({ada, bob})
    assert await presence.online([ada, eve]) == {ada}
    assert await presence.last_seen([ada, bob, eve]) == {}

    presence.goodbye(ada)
    assert await presence.last_seen([ada, bob]) == {ada: NOON}
    assert await rows(database) == {}
    await presence.keep()
    assert await rows(database) == await presence.last_seen([ada, bob]) == {ada: NOON}

    clock.time += SECOND
    presence.goodbye(ada)
    presence.goodbye(bob)
    await presence.keep()
    later = {ada: NOON + SECOND, bob: NOON + SECOND}
    assert await rows(database) == await presence.last_seen([ada, bob, eve]) == later
    assert await presence.last_seen([eve]) == {}


async def test_a_moment_never_goes_back(database: Database) -> None:
    ada, store = await account(database), SeenStore(database)
    await store.save_seen({ada: NOON})
    await store.save_seen({ada: NOON - SECOND})
    assert await rows(database) == {ada: NOON}


async def test_who_has_no_account_any_more_spoils_nobodys_goodbye(database: Database) -> None:
    ada, gone = await account(database), uuid7()
    presence = Presence(SeenStore(database), HandClock())
    presence.goodbye(gone)
    presence.goodbye(ada)
    await presence.keep()
    assert await rows(database) == {ada: NOON}
    await database.execute(Statement("test", "delete from account where id = $1::uuid", "exec"), ada)
    assert await rows(database) == {}


async def test_what_cannot_be_stored_waits_for_the_next_time(database_dsn: str, database: Database) -> None:
    ada = await account(database)
    own = await Database.open(database_dsn, "test")
    presence = Presence(store := SeenStore(own), HandClock())
    presence.goodbye(ada)
    await own.close()
    await presence.keep()
    with pytest.raises(DatabaseUnavailable):
        await store.list_seen([ada])
    presence._store = SeenStore(database)
    assert await rows(database) == {}
    await presence.keep()
    assert await rows(database) == {ada: NOON}


async def test_a_goodbye_during_the_storing_of_an_earlier_one_is_not_lost(database: Database) -> None:
    ada, clock = await account(database), HandClock()

    class Slow(SeenStore):
        async def save_seen(self, seen: dict[str, datetime]) -> None:  # type: ignore[override]
            await super().save_seen(seen)
            if clock.time == NOON:
                clock.time += SECOND
                presence.goodbye(ada)

    presence = Presence(Slow(database), clock)
    presence.goodbye(ada)
    await presence.keep()
    assert await rows(database) == {ada: NOON}
    assert await presence.last_seen([ada]) == {ada: NOON + SECOND}
    await presence.keep()
    assert await rows(database) == {ada: NOON + SECOND}
