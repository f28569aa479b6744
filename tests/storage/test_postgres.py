"""The pool: text for uuid and JSON, errors of our own, no queue without an end, and a way back."""

import asyncio
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from asyncpg.protocol import protocol

from storage.errors import DatabaseUnavailable, IntegrityViolation, StatementFailed
from storage.postgres import Database
from storage.queries import Statement
from storage.shared import SharedRead
from tests.storage.things import INSERT, ask, new_id

THINGS = Statement("t.things", "select id, name from thing where id = any($1::uuid[])", "many")
SLEEP = Statement("t.sleep", "select pg_sleep(3)", "value")
ONE = Statement("t.one", "select 1", "value")


def statement(sql: str) -> Statement:
    return Statement(f"t.{uuid.uuid4()}", sql, "one")


async def test_uuids_and_json_are_text_both_ways_and_times_are_aware(db: Database) -> None:
    given = (new_id(), [new_id(), None], '{"a": 1}', '{"b": 2}', datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC))
    row = await db.fetchrow(statement("select $1::uuid, $2::uuid[], $3::json, $4::jsonb, $5::timestamptz"), *given)

    assert row is not None
    assert tuple(row) == given
    assert row[4].utcoffset().total_seconds() == 0


async def test_arrays_are_lists_tuples_and_sets(db: Database) -> None:
    count = statement("select cardinality($1::text[])")
    for names in (["a", "b"], ("a", "b"), {"a", "b"}, frozenset("ab"), ["a", None]):
        assert await db.fetchval(count, names) == 2
    nested = [["a", "b"], ["c", "d"]]
    assert await db.fetchval(statement("select $1::text[]"), nested) == nested
    with pytest.raises(StatementFailed):
        await db.fetchval(count, (name for name in "ab"))


async def test_that_elements_are_no_arrays_is_seen_at_a_glance(db: Database) -> None:
    names = ["a name of some length"] * 50_000
    encode = statement("select 1 where $1::text[] is null")
    await db.fetchval(encode, names)
    started = time.thread_time()
    for _ in range(4):
        await db.fetchval(encode, names)
    spent = time.thread_time() - started

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(vars(protocol), "IterableABC", Iterable)  # as the driver has it
        started = time.thread_time()
        for _ in range(4):
            await db.fetchval(encode, names)
        assert spent < 0.8 * (time.thread_time() - started)


async def test_a_pool_that_is_used_up_refuses_within_two_seconds(db: Database) -> None:
    busy = [asyncio.create_task(db.fetchval(SLEEP)) for _ in range(4)]
    await asyncio.sleep(0.2)
    began = time.monotonic()

    with pytest.raises(DatabaseUnavailable):
        await db.fetchval(ONE)

    assert 1.5 < time.monotonic() - began < 2.5
    await asyncio.gather(*busy)
    assert await db.fetchval(ONE) == 1


async def test_killed_connections_are_replaced(db: Database, dsn: str) -> None:
    await asyncio.gather(*(db.fetchval(ONE) for _ in range(8)))
    await ask(dsn, "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'posthouse/%'")
    await asyncio.sleep(0.05)

    assert await asyncio.gather(*(db.fetchval(ONE) for _ in range(8))) == [1] * 8


async def test_a_statement_that_takes_too_long_is_given_up_and_the_pool_stays_whole(dsn: str) -> None:
    db = await Database.open(dsn, "test", pool_size=2, command_timeout_seconds=0.2)
    for _ in range(5):
        with pytest.raises(DatabaseUnavailable):
            await db.fetchval(SLEEP)
    assert await asyncio.gather(*(db.fetchval(ONE) for _ in range(4))) == [1] * 4
    await db.close()


async def test_cancelled_readers_leave_the_pool_whole(db: Database) -> None:
    for _ in range(20):
        tasks = [asyncio.create_task(db.fetchval(SLEEP)) for _ in range(8)]
        await asyncio.sleep(0.005)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    assert await asyncio.gather(*(db.fetchval(ONE) for _ in range(16))) == [1] * 16


async def test_errors_are_our_own(db: Database) -> None:
    await db.execute(INSERT, [new_id()], ["a"])
    with pytest.raises(IntegrityViolation, match="thing_name_key"):
        await db.execute(INSERT, [new_id()], ["a"])
    with pytest.raises(StatementFailed):
        await db.fetch(statement("select nothing from nowhere"))
    with pytest.raises(StatementFailed):
        await db.fetch(statement("select $1::int"), "text")
    with pytest.raises(StatementFailed):
        await db.fetch(statement("select $1::int"))


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable):
        await Database.open("postgresql://postgres@127.0.0.1:1/none", "test")


async def test_execute_counts_rows(db: Database) -> None:
    assert await db.execute(INSERT, [new_id(), new_id()], ["a", "b"]) == 2
    assert await db.execute(statement("delete from thing where name = 'none'")) == 0


async def test_reads_that_wait_at_the_same_time_share_a_statement(db: Database) -> None:
    ids = [new_id() for _ in range(50)]
    await db.execute(INSERT, ids, ids)
    sent = []

    class Counting(Database):
        async def fetch(self, statement: Statement, *args: object) -> list[object]:  # type: ignore[override]
            sent.append(args)
            return await db.fetch(statement, *args)  # type: ignore[return-value]

    shared: SharedRead[str] = SharedRead(Counting(db._pool, 2.0), THINGS, key="id")
    rows = await asyncio.gather(*(shared.get(i) for i in [*ids, *ids, new_id()]))

    assert [row["name"] if row else None for row in rows] == [*ids, *ids, None]
    assert len(sent) == 1


async def test_a_shared_read_never_answers_with_what_was_read_before_it_was_asked(db: Database) -> None:
    shared: SharedRead[str] = SharedRead(db, THINGS, key="id")
    for _ in range(20):
        thing = new_id()
        early = asyncio.create_task(shared.get(thing))
        await asyncio.sleep(0.0005)
        await db.execute(INSERT, [thing], [thing])
        assert await shared.get(thing) is not None
        await early


async def test_a_reader_that_gives_up_takes_nobody_along(db: Database) -> None:
    shared: SharedRead[str] = SharedRead(db, THINGS, key="id")
    thing = new_id()
    await db.execute(INSERT, [thing], [thing])
    first, second = asyncio.create_task(shared.get(thing)), asyncio.create_task(shared.get(thing))
    await asyncio.sleep(0)
    first.cancel()

    assert await second is not None


async def test_a_shared_read_that_fails_tells_every_reader(db: Database) -> None:
    shared: SharedRead[str] = SharedRead(
        db, statement("select nothing from nowhere where $1::text[] is null"), key="id"
    )
    outcomes = await asyncio.gather(*(shared.get(str(i)) for i in range(3)), return_exceptions=True)

    assert all(isinstance(outcome, StatementFailed) for outcome in outcomes)
