"""Turns whose transaction is one statement: they are refused, repeated and lost like those that go step by step."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from storage.errors import DuplicateTurn, Fenced, StaleState, UnknownOutcome
from storage.house import House
from storage.journal import Journal
from storage.journal.lane import Lane
from storage.postgres import Connection
from storage.queries import Statement, Touch
from storage.write import Write
from tests.storage.test_journal_faults import SLOW_COMMIT
from tests.storage.things import INSERT, USE, Missing, Taken, ask, happened, new_id

THING = Touch(changes=frozenset({"thing"}))
MAKE = INSERT._replace(name="thing.make", combines=THING)
TAKE = USE._replace(name="thing.take", combines=THING)
NOTE = Statement(
    "note.insert",
    "insert into note (text) select * from unnest($1::text[])",
    "exec",
    Touch(changes=frozenset({"note"})),
)
FIND = Statement(
    "thing.find",
    """
    select r.ord, t.used from thing t join unnest($1::uuid[]) with ordinality as r (id, ord) on t.id = r.id
    """,
    "many",
    Touch(reads=frozenset({"thing"})),
)


@pytest.fixture
async def lane(journal: Journal, dsn: str) -> Lane:
    """The lane that the tests' turns go through, with a second table to write to."""
    await ask(dsn, "create table note (text text not null check (text <> ''))")
    return journal._lanes[journal._number("lane")]


@pytest.fixture
async def trips(lane: Lane) -> list[str]:
    """What was sent to PostgreSQL for turns, in order."""
    sent: list[str] = []
    (await lane._session.ready()).add_query_logger(lambda one: sent.append(one.query))
    return sent


def make(name: str, thing_id: str | None = None) -> Write:
    return Write(MAKE, (thing_id or new_id(), name), constraints={"thing_name_key": Taken(name)})


def note(text: str) -> Write:
    return Write(NOTE, (text,))


def take(thing_id: str) -> Write:
    return Write(TAKE, (thing_id,), expect=1, otherwise=Missing(thing_id))


def find(thing_id: str, **options: Any) -> Write:
    return Write(FIND, (thing_id,), **options)


async def commit(
    journal: Journal, stream: str, *writes: Write, n: int = 1, cause: str | None = None
) -> list[list[tuple[Any, ...]]]:
    events = [happened(stream, n)]
    rows = await journal.commit(lane="lane", cause=cause or new_id(), caller=None, events=events, writes=list(writes))
    return [[tuple(row) for row in some] for some in rows]


async def content(dsn: str) -> list[str]:
    return [row[0] for row in await ask(dsn, "select name from thing union all select text from note order by 1")]


async def test_many_turns_take_one_round_trip(journal: Journal, trips: list[str], dsn: str) -> None:
    await commit(journal, "first", make("a"), note("b"))  # the driver asks once what types there are
    del trips[:]

    await asyncio.gather(*(commit(journal, f"thing:{i}", make(f"a{i}"), note(f"b{i}")) for i in range(50)))

    assert len(trips) == 1
    assert len(await content(dsn)) == 102
    query = "select count(distinct xmin::text), max(seq) - min(seq) from event where stream like 'thing:%'"
    rows = await ask(dsn, query)
    assert tuple(rows[0]) == (1, 49)


async def test_each_turn_gets_its_own_rows(journal: Journal, trips: list[str]) -> None:
    ids = [new_id() for _ in range(10)]
    await asyncio.gather(*(commit(journal, f"thing:{i}", make(i, i)) for i in ids))
    await commit(journal, f"use:{ids[3]}", take(ids[3]))
    del trips[:]

    rows = await asyncio.gather(*(commit(journal, f"again:{i}", note(i), take(i)) for i in ids))

    assert len(trips) == 1
    assert [some[1][0][1] for some in rows] == [2 if i == ids[3] else 1 for i in ids]
    found = await asyncio.gather(*(commit(journal, f"found:{i}", find(i)) for i in (ids[0], new_id(), ids[1])))
    assert [len(some[0]) for some in found] == [1, 0, 1]
    assert await commit(journal, "nothing", find(new_id()), note("x")) == [[], []]


async def test_what_touches_the_same_table_goes_step_by_step_and_in_order(
    journal: Journal, trips: list[str], dsn: str
) -> None:
    one, two = new_id(), new_id()

    assert await commit(journal, "thing:1", make("one", one), take(one)) == [[], [(1, 1)]]
    assert await commit(journal, "thing:2", make("two", two), find(two, expect=1)) == [[], [(1, 0)]]
    assert await commit(journal, "thing:3", note("a"), take(one), note("b")) == [[], [(1, 2)], []]
    assert await content(dsn) == ["a", "b", "one", "two"]
    assert sum(sent.endswith("\ncommit") for sent in trips) == 3


async def test_what_has_not_said_what_it_touches_goes_step_by_step(journal: Journal, trips: list[str]) -> None:
    await commit(journal, "thing:1", note("x"), Write(INSERT, (new_id(), "y")))

    assert sum(sent.endswith("\ncommit") for sent in trips) == 1


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (lambda: make("taken"), Taken),
        (lambda: take(new_id()), Missing),
        (lambda: note(""), asyncpg.CheckViolationError),
        (lambda: Write(NOTE, (5,)), TypeError),
    ],
    ids=["a constraint with an answer", "an expectation", "a constraint that nobody expected", "a wrong argument"],
)
async def test_one_bad_turn_spoils_nobody_and_leaves_nothing(
    journal: Journal, lane: Lane, dsn: str, bad: Callable[[], Write], expected: type[Exception]
) -> None:
    await commit(journal, "first", make("taken"))
    ids = [new_id() for _ in range(40)]
    await asyncio.gather(*(commit(journal, f"make:{i}", make(i, i)) for i in ids))

    turns = [[take(i)] for i in ids]
    turns[13] = [bad(), note("half")] if bad().statement is not NOTE else [bad(), take(ids[13])]
    outcomes = await asyncio.gather(
        *(commit(journal, f"use:{i}", *turn) for i, turn in zip(ids, turns, strict=True)), return_exceptions=True
    )

    refused = [o for o in outcomes if isinstance(o, Exception)]
    assert [outcomes[13]] == refused
    assert isinstance(refused[0], expected) or isinstance(refused[0].__cause__, expected | asyncpg.DataError)
    assert [row[0] for row in await ask(dsn, "select used from thing where id = $1", ids[13])] == [0]
    assert (await ask(dsn, "select count(*) from event where stream like 'use:%'"))[0][0] == 39
    assert (await ask(dsn, "select count(*) from note"))[0][0] == 0


async def test_an_expectation_is_not_met_by_a_neighbours_second_row(journal: Journal, lane: Lane, dsn: str) -> None:
    """The count would be right: one turn finds two rows, the other none."""
    twins = Statement(
        "thing.twins",
        "select r.ord from thing t join unnest($1::text[]) with ordinality as r (name, ord) on t.name like r.name",
        "many",
        Touch(reads=frozenset({"thing"})),
    )
    await commit(journal, "a", make("a1"))
    await commit(journal, "b", make("a2"))

    outcomes = await asyncio.gather(
        *(
            commit(journal, f"find:{name}", Write(twins, (name,), expect=1, otherwise=Missing(name)), note(name))
            for name in ("a%", "b%")
        ),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [Missing, Missing]
    assert await content(dsn) == ["a1", "a2"]


async def test_a_repeated_turn_is_found_before_anything_else_is_refused(journal: Journal, lane: Lane, dsn: str) -> None:
    await commit(journal, "thing:1", make("mine"), note("once"), cause="c")

    for n in (1, 2):
        with pytest.raises(DuplicateTurn):
            await commit(journal, "thing:1", make("mine"), note("again"), n=n, cause="c")
        with pytest.raises(DuplicateTurn):
            await commit(journal, "thing:1", take(new_id()), note("again"), n=n, cause="c")
    with pytest.raises(StaleState):
        await commit(journal, "thing:1", make("mine"), n=1)
    assert await content(dsn) == ["mine", "once"]


async def test_a_fenced_house_commits_nothing_at_once(journal: Journal, lane: Lane, dsn: str, house: House) -> None:
    await ask(dsn, "update house set alive = false where incarnation = $1", house.incarnation)

    with pytest.raises(Fenced):
        await commit(journal, "thing:1", make("zombie"), note("zombie"))
    assert await content(dsn) == []
    assert await ask(dsn, "select 1 from event") == []


async def test_whoever_declares_the_house_dead_waits_for_a_statement_that_has_asked(
    journal: Journal, lane: Lane, dsn: str, house: House
) -> None:
    for command in SLOW_COMMIT:
        await ask(dsn, command)
    task = asyncio.create_task(commit(journal, "thing:1", make("slow"), note("slow")))
    await asyncio.sleep(0.5)

    await ask(dsn, "select from house where incarnation = $1 for update", house.incarnation)

    assert await content(dsn) == ["slow", "slow"]  # it had asked first, so it is there before the house can be dead
    assert await task == [[], []]


async def test_no_commit_waits_for_the_one_lock_that_notify_takes(dsn: str) -> None:
    for name, alone, expected in (("one", True, 0), ("two", False, 0)):
        house = await House.claim(dsn, name, alone=alone)
        journal, told = Journal(dsn, house), list[str]()
        listener = await asyncpg.connect(dsn)
        await listener.add_listener("event", lambda *_, told=told: told.append("event"))

        await commit(journal, f"at once:{name}", make(name))
        await commit(journal, f"step by step:{name}", Write(INSERT, (new_id(), f"{name} again")))
        await listener.fetch("select 1")

        assert len(told) == expected
        await listener.close()
        await journal.stop()
        await house.release()


async def test_a_statement_whose_answer_was_lost_is_looked_up(
    journal: Journal, lane: Lane, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_statement(monkeypatch, is_sent=True)

    assert await commit(journal, "a", make("a"), note("a")) == [[], []]
    assert await content(dsn) == ["a", "a"]
    await commit(journal, "a", make("b"), n=2)
    assert [row["seq"] for row in await ask(dsn, "select seq from event order by n")] == [1, 2]


async def test_a_statement_that_never_arrived_is_tried_once_more(
    journal: Journal, lane: Lane, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_statement(monkeypatch, is_sent=False)

    assert await commit(journal, "a", make("a"), note("a")) == [[], []]
    assert await content(dsn) == ["a", "a"]


@pytest.mark.parametrize("write", [note("c"), Write(INSERT, (new_id(), "c"))], ids=["at once", "step by step"])
async def test_what_a_new_connection_finds_committed_moves_what_follows_behind_it(
    journal: Journal, lane: Lane, dsn: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    await commit(journal, "a", note("a"))
    hidden = "insert into event select 'b', n, type, body, caller, 'b', ordinal, house, lane, seq + 1, at from event"
    await ask(dsn, hidden)
    if write.statement is NOTE:
        (await lane._session.ready()).terminate()
    else:
        _break_statement(monkeypatch, is_sent=False, word="begin")

    await commit(journal, "c", write)

    rows = await ask(dsn, "select stream, seq from event order by seq")
    assert [tuple(row) for row in rows] == [("a", 1), ("b", 2), ("c", 3)]
    place = (lane._session.house.id, lane._session.lane)
    assert journal.recent.between(place, 1, 9, 9) is None
    assert journal.recent.between(place, 2, 9, 9) == ([], 3)  # of no type that anybody follows


async def test_rows_that_were_lost_leave_the_turn_unknown(
    journal: Journal, lane: Lane, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = new_id()
    await commit(journal, "a", make("a", thing))
    _break_statement(monkeypatch, is_sent=True)

    with pytest.raises(UnknownOutcome):
        await commit(journal, "a", take(thing), n=2)
    assert [row[0] for row in await ask(dsn, "select used from thing")] == [1]


async def test_a_statement_that_is_tried_once_more_can_not_happen_twice(journal: Journal, lane: Lane, dsn: str) -> None:
    for command in SLOW_COMMIT:
        await ask(dsn, command)
    task = asyncio.create_task(commit(journal, "a", make("a"), note("a")))
    await asyncio.sleep(0.5)
    assert lane._session._connection is not None
    lane._session._connection.terminate()  # tells the server to cancel nothing

    assert await task == [[], []]
    await asyncio.sleep(1.5)
    assert await content(dsn) == ["a", "a"]


def _break_statement(monkeypatch: pytest.MonkeyPatch, *, is_sent: bool, word: str = "at_once") -> None:
    """The next statement with this word loses its connection: after the server has done it, or before."""
    method = "execute" if word == "begin" else "fetch"
    run = getattr(asyncpg.Connection, method)

    async def lossy(connection: Connection, query: str, *args: object, **options: Any) -> Any:
        if word not in query:
            return await run(connection, query, *args, **options)
        monkeypatch.undo()
        if is_sent:
            await run(connection, query, *args)
        connection.terminate()
        raise ConnectionResetError("lost")

    monkeypatch.setattr(asyncpg.Connection, method, lossy)
