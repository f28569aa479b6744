"""Group commit against a real PostgreSQL: what is merged, what is refused, and whom that concerns."""

import asyncio
from typing import Any

import asyncpg
import pytest

from storage.errors import DatabaseUnavailable, DuplicateTurn, Fenced, IntegrityViolation, QueueFull, StaleState
from storage.house import House
from storage.journal import Journal, Write
from storage.postgres import Database
from storage.queries import Statement
from tests.storage.things import TOGETHER, Missing, Taken, ask, happened, insert, new_id, until, use


async def commit(
    journal: Journal, key: str, *writes: Write, n: int = 1, cause: str | None = None
) -> list[list[tuple[Any, ...]]]:
    rows = await journal.commit(
        lane=key, cause=cause or new_id(), caller=None, events=[happened(key, n)], writes=list(writes)
    )
    return [[tuple(row) for row in some] for some in rows]


async def test_turns_that_wait_at_the_same_time_share_a_transaction(journal: Journal, dsn: str) -> None:
    await asyncio.gather(*(commit(journal, f"thing:{i}", insert(f"name {i}")) for i in range(400)))

    rows = await ask(dsn, "select count(distinct xmin::text) as transactions, count(*) as events from event")
    assert rows[0]["events"] == 400
    assert rows[0]["transactions"] <= 8
    assert (await ask(dsn, "select count(*) from thing"))[0][0] == 400


async def test_seq_follows_the_order_in_which_a_lane_committed(journal: Journal, dsn: str) -> None:
    for n in range(1, 6):
        await commit(journal, "thing:1", n=n)

    rows = await ask(dsn, "select n, seq from event order by seq")
    assert [row["n"] for row in rows] == [1, 2, 3, 4, 5]
    assert len({row["seq"] for row in rows}) == 5


async def test_rows_come_back_to_the_turn_that_asked_for_them(journal: Journal) -> None:
    ids = [new_id() for _ in range(20)]
    await asyncio.gather(*(commit(journal, f"thing:{i}", insert(i, i)) for i in ids))
    await commit(journal, f"thing:{ids[7]}", use(ids[7]), n=2)

    rows = await asyncio.gather(*(commit(journal, f"again:{i}", use(i)) for i in ids))

    assert [some[0][0][1] for some in rows] == [2 if i == ids[7] else 1 for i in ids]


async def test_a_turns_writes_run_in_its_own_order_however_its_neighbours_order_theirs(
    journal: Journal, dsn: str
) -> None:
    one, two = new_id(), new_id()
    await commit(journal, "thing:x", insert("x", one))

    # The same lane, so one transaction: the first turn uses before it inserts, the second inserts before it uses.
    results = await asyncio.gather(
        journal.commit(lane="l", cause=new_id(), caller=None, events=[], writes=[use(one), insert("a")]),
        journal.commit(lane="l", cause=new_id(), caller=None, events=[], writes=[insert("b", two), use(two)]),
    )

    assert results[1][1][0]["used"] == 1
    assert len(await ask(dsn, "select distinct xmin::text from thing where name in ('a', 'b')")) == 1


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (insert("taken"), Taken),
        (use("00000000-0000-4000-8000-000000000000"), Missing),
        (Write(insert("x").statement, (new_id(), "taken")), IntegrityViolation),
    ],
    ids=["a constraint with an answer", "an expectation", "a constraint that nobody expected"],
)
async def test_one_bad_turn_spoils_nobody(journal: Journal, dsn: str, bad: Write, expected: type[Exception]) -> None:
    await commit(journal, "thing:first", insert("taken"))

    outcomes = await asyncio.gather(
        *(commit(journal, f"thing:{i}", insert(f"n {i}") if i != 50 else bad) for i in range(100)),
        return_exceptions=True,
    )

    assert isinstance(outcomes[50], expected)
    assert [o for i, o in enumerate(outcomes) if i != 50 and isinstance(o, Exception)] == []
    assert (await ask(dsn, "select count(*) from event"))[0][0] == 100
    assert (await ask(dsn, "select count(*) from thing"))[0][0] == 100


async def test_a_refused_turn_leaves_nothing_of_itself(journal: Journal, dsn: str) -> None:
    with pytest.raises(Missing):
        await commit(journal, "thing:1", insert("half"), use(new_id()))

    assert await ask(dsn, "select 1 from thing union all select 1 from event") == []


async def test_a_cause_takes_effect_once_even_when_its_writes_would_be_refused_too(journal: Journal, dsn: str) -> None:
    await commit(journal, "thing:1", insert("mine"), cause="c")

    with pytest.raises(DuplicateTurn):
        await commit(journal, "thing:1", insert("mine"), n=2, cause="c")
    with pytest.raises(DuplicateTurn):
        await commit(journal, "thing:1", insert("mine"), n=1, cause="c")
    assert (await ask(dsn, "select count(*) from event"))[0][0] == 1


async def test_an_event_that_names_its_own_cause_takes_effect_once_in_any_company(journal: Journal, dsn: str) -> None:
    one, two = happened("thing:1", 1)._replace(cause="c1"), happened("thing:1", 2)._replace(cause="c2")
    await journal.commit(lane="thing:1", cause="batch", caller=None, events=[one, two], writes=[])

    with pytest.raises(DuplicateTurn):
        await journal.commit(lane="thing:1", cause="other", caller=None, events=[two._replace(n=3)], writes=[])
    assert [row["cause"] for row in await ask(dsn, "select cause from event order by n")] == ["c1", "c2"]


async def test_the_runtime_may_bring_its_own_answer_to_a_repeated_cause(dsn: str, house: House) -> None:
    journal = Journal(dsn, house, duplicate=lambda: KeyError("again"))
    await commit(journal, "thing:1", cause="c")

    with pytest.raises(KeyError):
        await commit(journal, "thing:1", n=2, cause="c")
    await journal.stop()


async def test_a_stream_that_has_moved_on_refuses_a_stale_number(journal: Journal) -> None:
    await commit(journal, "thing:1")

    with pytest.raises(StaleState):
        await commit(journal, "thing:1", insert("late"))


async def test_a_fenced_house_commits_nothing(journal: Journal, dsn: str, house: House) -> None:
    await ask(dsn, "update house set alive = false where incarnation = $1", house.incarnation)

    with pytest.raises(Fenced):
        await commit(journal, "thing:1", insert("zombie"))
    assert await ask(dsn, "select 1 from thing union all select 1 from event") == []


async def test_a_statement_that_is_wrong_concerns_its_turn_alone(journal: Journal) -> None:
    wrong = Write(
        Statement("thing.wrong", "select ord from unnest($1::int[]) with ordinality as t(a, ord)", "many"), ("x",)
    )

    outcomes = await asyncio.gather(
        commit(journal, "thing:1", wrong), commit(journal, "thing:1b", insert("fine")), return_exceptions=True
    )

    assert isinstance(outcomes[0], Exception)
    assert outcomes[1] == [[]]


async def test_a_turn_that_waits_in_a_circle_is_tried_again(journal: Journal, dsn: str) -> None:
    one, two = new_id(), new_id()
    await commit(journal, "thing:x", insert("x", one), insert("y", two))
    also = Statement("thing.also", use(two).statement.sql, "many")
    other = await asyncpg.connect(dsn)
    try:
        async with other.transaction():
            await other.execute("update thing set used = 5 where id = $1", two)
            turn = asyncio.create_task(commit(journal, "thing:z", use(one), Write(also, (two,), expect=1)))
            while not await ask(dsn, "select from pg_locks where not granted"):
                await asyncio.sleep(0.01)
            await other.execute("update thing set used = 5 where id = $1", one)  # PostgreSQL ends the turn's attempt
    finally:
        await other.close()
    assert [rows[0][1] for rows in await turn] == [6, 6]


async def test_an_asker_that_gives_up_breaks_neither_its_turn_nor_the_lane(journal: Journal, dsn: str) -> None:
    tasks = [asyncio.create_task(commit(journal, f"thing:{i}", insert(f"n {i}"))) for i in range(200)]
    await asyncio.sleep(0.002)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    await commit(journal, "thing:after", insert("after"))
    await journal.stop()  # the abandoned ones have run by then
    assert (await ask(dsn, "select count(*) from event"))[0][0] == 201


async def test_a_lane_takes_no_more_than_its_capacity(dsn: str, house: House) -> None:
    journal = Journal(dsn, house, lanes=1, capacity=10)
    outcomes = await asyncio.gather(*(commit(journal, f"thing:{i}") for i in range(25)), return_exceptions=True)

    assert sum(isinstance(outcome, QueueFull) for outcome in outcomes) == 15
    await journal.stop()


async def test_stop_finishes_what_waits_and_takes_nothing_more(journal: Journal, dsn: str) -> None:
    tasks = [asyncio.create_task(commit(journal, f"thing:{i}")) for i in range(50)]
    await asyncio.sleep(0)
    await journal.stop()

    assert all(not isinstance(o, Exception) for o in await asyncio.gather(*tasks, return_exceptions=True))
    with pytest.raises(DatabaseUnavailable):
        await commit(journal, "thing:late")
    assert (await ask(dsn, "select count(*) from event"))[0][0] == 50


async def test_a_second_start_goes_on_behind_the_seq_of_the_first(journal: Journal, dsn: str, house: House) -> None:
    await commit(journal, "thing:1")
    await journal.stop()
    second = Journal(dsn, house)
    await commit(second, "thing:1", n=2)
    await second.stop()

    assert [row["n"] for row in await ask(dsn, "select n from event order by seq")] == [1, 2]


async def test_a_commit_that_only_reads_its_expectation_needs_no_event(
    journal: Journal, db: Database, dsn: str
) -> None:
    thing = new_id()
    await journal.commit(lane="a", cause="c", caller=None, events=[], writes=[insert("quiet", thing)])

    assert await ask(dsn, "select 1 from event") == []
    assert (await db.fetchrow(Statement("t", "select id, name from thing", "one"))) is not None


async def test_whoever_listens_hears_of_every_transaction_however_it_ends(journal: Journal) -> None:
    heard: list[int] = []
    journal.listen(lambda: heard.append(1))
    await commit(journal, "thing:1")
    await until(lambda: len(heard) == 1)
    with pytest.raises(StaleState):
        await commit(journal, "thing:1")
    await until(lambda: len(heard) >= 2)
    before = len(heard)
    await journal.commit_together(statement=TOGETHER, args=([new_id()], ["two"]))
    await until(lambda: len(heard) == before + 1)
