"""What the runtime and the edge keep: idempotency keys, dead letters, timers."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from storage.dead_letters import DeadLetterRow, DeadLetterStore
from storage.idempotency import IdempotencyStore, Made, insert_idempotency
from storage.journal import Journal
from storage.postgres import Database
from storage.timers import TimerRow, TimerStore, delete_timer, insert_timer
from storage.write import Write
from tests.storage.things import Missing, Taken, ask, insert, new_id

NOW = datetime(2026, 5, 1, tzinfo=UTC)


async def commit(journal: Journal, *writes: Write) -> list[list[object]]:
    return await journal.commit(  # type: ignore[return-value]
        lane=new_id(), cause=new_id(), caller=None, events=[], writes=list(writes)
    )


def key(name: str, object_id: str | None = "made", at: datetime = NOW) -> Write:
    return insert_idempotency("u", "POST /things", name, b"hmac", object_id, at, Taken(name))


async def test_a_key_is_taken_with_what_it_stands_for(journal: Journal, db: Database) -> None:
    store = IdempotencyStore(db)
    assert await store.get_idempotency("u", "POST /things", "k") is None
    await commit(journal, insert("a"), key("k"))

    assert await store.get_idempotency("u", "POST /things", "k") == Made(b"hmac", "made", NOW)
    assert await store.get_idempotency("other", "POST /things", "k") is None


async def test_of_requests_with_one_key_only_one_takes_effect(journal: Journal, dsn: str) -> None:
    outcomes = await asyncio.gather(
        *(commit(journal, insert(f"n {i}"), key("k")) for i in range(10)),
        *(commit(journal, insert(f"free {i}"), key(f"free {i}")) for i in range(10)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, Taken) for outcome in outcomes) == 9
    assert (await ask(dsn, "select count(*) from thing"))[0][0] == 11


async def test_old_keys_are_forgotten(journal: Journal, db: Database) -> None:
    store = IdempotencyStore(db)
    await commit(journal, key("old"), key("new", at=NOW + timedelta(days=2)))

    assert await store.delete_idempotency(NOW + timedelta(days=1)) == 1
    assert await store.get_idempotency("u", "POST /things", "old") is None
    assert await store.get_idempotency("u", "POST /things", "new") is not None


async def test_dead_letters_are_stored_once_listed_newest_first_and_deleted(db: Database) -> None:
    store = DeadLetterStore(db)
    letters = [
        DeadLetterRow(f"id {i}", "thing", "k", "Use", b"\x80", b"\x80", "ValueError", 3, NOW + timedelta(hours=i))
        for i in range(3)
    ]
    for letter in [*letters, letters[0]]:
        await store.store(letter)

    assert await store.list_dead_letters() == letters[::-1]
    assert await store.list_dead_letters((letters[1].at, letters[1].id)) == [letters[0]]
    assert await store.get_dead_letter("id 1") == letters[1]
    assert await store.delete_dead_letter("id 1")
    assert not await store.delete_dead_letter("id 1")
    assert await store.get_dead_letter("id 1") is None
    assert await store.count_dead_letters() == 2


async def test_a_timer_is_due_from_its_moment_on_until_a_turn_deletes_it(journal: Journal, db: Database) -> None:
    store = TimerStore(db)
    soon = TimerRow(new_id(), "thing", "k", "Use", b"\x80", NOW)
    late = TimerRow(new_id(), "thing", "k", "Use", b"\x80", NOW + timedelta(hours=1))
    await commit(journal, insert_timer(late), insert_timer(soon), insert_timer(soon))

    assert await store.get_next_due(NOW - timedelta(seconds=1)) == NOW
    assert await store.list_due(NOW - timedelta(seconds=1)) == []
    assert await store.list_due(NOW) == [soon]
    assert await store.list_due(NOW + timedelta(days=1)) == [soon, late]
    await commit(journal, delete_timer(soon.id))
    assert await store.list_due(NOW + timedelta(days=1)) == [late]


async def test_a_timer_starts_one_turn_only(journal: Journal) -> None:
    timer = TimerRow(new_id(), "thing", "k", "Use", b"\x80", NOW)
    await commit(journal, insert_timer(timer))

    outcomes = await asyncio.gather(
        *(commit(journal, delete_timer(timer.id, Missing("gone"))) for _ in range(5)), return_exceptions=True
    )

    assert sum(isinstance(outcome, Missing) for outcome in outcomes) == 4


async def test_deleting_a_timer_that_is_gone_is_fine_where_nobody_minds(journal: Journal) -> None:
    assert await commit(journal, delete_timer(new_id())) == [[]]


def test_a_row_fits_the_letter_that_the_runtime_sends() -> None:
    from actors.runtime.ports import DeadLetter  # noqa: PLC0415 - storage itself knows nothing of the runtime

    assert DeadLetter._fields == DeadLetterRow._fields


@pytest.fixture(autouse=True)
def _database(dsn: str) -> None:
    """Every test here writes."""
