"""What the relay is handed from memory: never less than the table holds, nor in another order."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import pytest

from storage import queries
from storage.events import EventRow
from storage.house import House
from storage.journal import Journal
from storage.postgres import Database
from storage.recent import MOST_BYTES, MOST_EVENTS, Recent
from storage.relay import Relay
from storage.source import Source
from tests.storage.test_relay import Inbox, write, write_many
from tests.storage.things import TOGETHER, Happened, ask, happened, new_id, until

LANE = (1, 1)


def event(seq: int, type: str = "thing.made", body: bytes = b"{}") -> EventRow:  # noqa: A002
    return EventRow("thing:1", seq, type, body, None, f"c{seq}", 0, *LANE, seq, datetime.now(UTC))


def following(*types: str) -> Recent:
    recent = Recent()
    recent.follow(types or ["thing.made"], lambda: None)
    return recent


def seqs(recent: Recent, after: int, head: int = 10**9, most: int = 500) -> tuple[list[int], int] | None:
    found = recent.between(LANE, after, head, most)
    return None if found is None else ([one.seq for one in found[0]], found[1])


def test_transactions_that_follow_each_other_are_given_in_pieces() -> None:
    recent = following()
    recent.add(LANE, [event(1), event(2)])
    recent.add(LANE, [event(3), event(4, "thing.gone"), event(5)])

    assert seqs(recent, 0) == ([1, 2, 3, 5], 5)
    assert seqs(recent, 0, most=2) == ([1, 2], 2)
    assert seqs(recent, 2, head=4) == ([3], 4)
    assert seqs(recent, 5, head=9) is None  # more is committed than is here


def test_behind_a_gap_nothing_older_is_given() -> None:
    recent = following()
    recent.add(LANE, [event(1), event(2)])
    recent.add(LANE, [event(4)])  # 3 may have been committed by a transaction whose end nobody heard

    assert seqs(recent, 1) is None
    assert seqs(recent, 2) is None
    assert seqs(recent, 3) == ([4], 4)


def test_what_a_reader_saw_before_the_journal_heard_of_its_commit_is_there_once() -> None:
    recent = following()
    recent.add(LANE, [event(1)])
    recent.fill(LANE, 1, [event(2), event(3)], 3)
    recent.add(LANE, [event(2), event(3)])
    recent.add(LANE, [event(4)])

    assert seqs(recent, 1) == ([2, 3, 4], 4)


def test_what_was_read_is_kept_only_where_it_continues_what_is_there() -> None:
    recent = following()
    recent.add(LANE, [event(seq) for seq in range(8, 11)])
    recent.fill(LANE, 2, [event(3), event(4)], 4)  # of a consumer that lags behind

    assert seqs(recent, 4) is None
    assert seqs(recent, 7) == ([8, 9, 10], 10)


def test_a_statement_leaves_numbers_over_and_what_follows_them_follows_it() -> None:
    recent = following()
    recent.add(LANE, [event(1), event(3)], range(1, 100))
    recent.add(LANE, [], range(100, 200))
    recent.add(LANE, [event(200)], range(200, 300))

    assert seqs(recent, 0) == ([1, 3, 200], 200)
    assert recent.heads()[LANE] == 200  # no position may reach numbers that a new connection will use again


def test_numbers_that_begin_elsewhere_than_the_last_statement_left_off_are_behind_a_gap() -> None:
    recent = following()
    recent.add(LANE, [event(1)], range(1, 100))
    recent.add(LANE, [event(3)], range(3, 102))  # a new connection; 2 may have been committed unknown to us

    assert seqs(recent, 1) is None
    assert seqs(recent, 2) == ([3], 3)


def test_nobody_is_woken_for_what_nobody_wants() -> None:
    recent, woken = Recent(), list[int]()
    recent.follow(["thing.made"], lambda: woken.append(1))
    recent.add(LANE, [event(1, "thing.gone")])
    assert woken == []

    recent.add(LANE, [event(2)])
    assert woken == [1]


def test_memory_is_bounded_and_what_all_have_heard_is_let_go() -> None:
    recent = following()
    for seq in range(1, 5 * MOST_EVENTS):
        recent.add(LANE, [event(seq)])
    assert len(recent._windows[LANE].events) <= 2 * MOST_EVENTS
    assert seqs(recent, 1) is None
    assert seqs(recent, 5 * MOST_EVENTS - 3) == ([5 * MOST_EVENTS - 2, 5 * MOST_EVENTS - 1], 5 * MOST_EVENTS - 1)

    recent.forget(LANE, 5 * MOST_EVENTS - 1)
    assert recent._windows[LANE].events == []
    recent.add(LANE, [event(5 * MOST_EVENTS)])
    assert seqs(recent, 5 * MOST_EVENTS - 1) == ([5 * MOST_EVENTS], 5 * MOST_EVENTS)


def test_memory_is_bounded_in_bytes_too() -> None:
    recent, body = following(), b"x" * 100_000
    for seq in range(1, 500):
        recent.add(LANE, [event(seq, body=body)])
        window = recent._windows[LANE]
        assert sum(len(one.body) for one in window.events) == window.size <= 2 * MOST_BYTES
    assert seqs(recent, 1) is None
    assert seqs(recent, 490) == (list(range(491, 500)), 499)

    recent.add(LANE, [event(seq, body=body) for seq in range(500, 900)])  # more than that at once
    assert seqs(recent, 898) == ([899], 899)
    recent.forget(LANE, 899)
    assert recent._windows[LANE].size == 0


def test_what_came_before_anybody_followed_is_not_taken_for_nothing() -> None:
    recent = Recent()
    recent.add(LANE, [event(1)])
    recent.follow(["thing.made"], lambda: None)

    assert seqs(recent, 0) is None


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Each read of the table, by lane."""
    found: list[tuple[int, int]] = []
    read = Source._read

    async def noted(source: Source, lane: tuple[int, int], after: int, head: int) -> tuple[Sequence[EventRow], int]:
        found.append(lane)
        return await read(source, lane, after, head)

    monkeypatch.setattr(Source, "_read", noted)
    return found


async def started(db: Database, house: House, journal: Journal, *inboxes: Inbox) -> Relay:
    relay = Relay(db, house, journal.recent)
    for number, inbox in enumerate(inboxes):
        relay.add(f"inbox {number}", {"thing.made"}, inbox.deliver)
    await relay.start()
    return relay


async def test_what_was_just_committed_is_not_read_back(
    db: Database, house: House, journal: Journal, dsn: str, reads: list[tuple[int, int]]
) -> None:
    one, two = Inbox(), Inbox()
    relay = await started(db, house, journal, one, two)
    await write_many(journal, writers=16, each=50)
    await one.until(800)
    await two.until(800)
    await relay.stop()

    assert len(reads) <= 8  # each lane's first, perhaps
    assert one.heard == sorted(two.heard, key=one.heard.index)
    rows = await ask(dsn, "select stream, n, type, body, caller, cause, ordinal, house, lane, seq, at from event")
    assert sorted(one.heard) == sorted(EventRow.of(row) for row in rows)


async def test_a_commit_that_the_journal_never_heard_of_is_heard_in_its_place(
    db: Database, house: House, journal: Journal, dsn: str
) -> None:
    inbox = Inbox()
    relay = await started(db, house, journal, inbox)
    await write(journal, "thing:1", 1)
    await inbox.until(1)
    session = journal._lanes[journal._number("thing:1")]._session
    await ask(
        dsn,
        "insert into event select stream, 2, type, body, caller, 'lost', ordinal, house, lane, seq + 1, at from event",
    )
    session.seq += 1  # as after a connection that was lost in COMMIT

    await write(journal, "thing:1", 3)
    await inbox.until(3)
    await relay.stop()
    assert [one.n for one in inbox.heard] == [1, 2, 3]


async def test_a_consumer_that_lags_further_than_memory_reaches_hears_all_in_order(
    db: Database, house: House, journal: Journal
) -> None:
    inbox, slow = Inbox(), Inbox()
    slow.fail = lambda _: slow.tries < 6  # for three seconds
    relay = await started(db, house, journal, inbox, slow)
    for first in range(0, 3 * MOST_EVENTS, 500):
        writes = (write(journal, "thing:1", first + n) for n in range(1, 501))
        await asyncio.gather(*writes)
    await slow.until(3 * MOST_EVENTS, seconds=20)
    await relay.stop()

    assert [one.n for one in slow.heard] == list(range(1, 3 * MOST_EVENTS + 1))
    assert [one.n for one in inbox.heard] == list(range(1, 3 * MOST_EVENTS + 1))


async def test_what_sql_has_made_is_read_once_for_all(
    db: Database, house: House, journal: Journal, reads: list[tuple[int, int]]
) -> None:
    one, two = Inbox(), Inbox()
    relay = await started(db, house, journal, one, two)
    await asyncio.sleep(0.1)
    for batch in range(3):
        await journal.commit_together(statement=TOGETHER, args=([new_id()], [f"{batch}"]))
        await one.until(batch + 1, seconds=0.5)
        await two.until(batch + 1, seconds=0.5)
    await relay.stop()

    assert [lane for _, lane in reads] == [0, 0, 0]


def _only(made: Happened, _rows: object) -> list[Happened]:
    return [made]


async def test_what_sql_has_made_is_not_read_where_its_rows_tell(
    db: Database, house: House, journal: Journal, dsn: str, reads: list[tuple[int, int]]
) -> None:
    inbox = Inbox()
    relay = await started(db, house, journal, inbox)
    for batch in range(5):
        made = happened(f"thing:{new_id()}")._replace(cause=f"together:{batch}", body=b"{}")
        thing = made.stream.removeprefix("thing:")
        await journal.commit_together(statement=TOGETHER, args=([thing], [thing]), told=partial(_only, made))
        await inbox.until(batch + 1, seconds=0.5)
    await relay.stop()

    assert len(reads) <= 1  # where the lane stood before anybody followed
    rows = await ask(dsn, "select stream, seq from event order by seq")
    assert [(one.stream, one.seq) for one in inbox.heard] == [tuple(row) for row in rows]


async def test_positions_are_kept_soon_and_nobody_waits_for_the_disk(
    db: Database, house: House, journal: Journal, dsn: str
) -> None:
    inbox = Inbox()
    relay = await started(db, house, journal, inbox)
    await write(journal, "thing:1", 1)
    await inbox.until(1)
    query = "select c.seq = e.seq as same from consumer c join event e using (house, lane)"
    async with asyncio.timeout(2):
        while not any(row["same"] for row in await ask(dsn, query)):
            await asyncio.sleep(0.05)
    await write(journal, "thing:1", 2)
    await inbox.until(2)
    await relay.stop()  # at the end, at once
    assert len(await ask(dsn, "select 1 from consumer where seq = (select max(seq) from event)")) == 1

    plan = await ask(dsn, f"explain verbose {_plain(queries.load('relay').update_positions.sql)}")
    assert any("synchronous_commit" in row[0] for row in plan)


def _plain(sql: str) -> str:
    for number, value in enumerate(("'x'", "'{1}'", "'{1}'", "'{1}'"), start=1):
        sql = sql.replace(f"${number}", value)
    return sql


async def test_a_relay_that_is_killed_delivers_again_what_it_had_not_noted(
    db: Database, house: House, journal: Journal
) -> None:
    first, second = Inbox(), Inbox()
    relay = await started(db, house, journal, first)
    await write_many(journal, writers=4, each=5)
    await first.until(20)
    for task in relay._tasks:  # no time to note anything
        task.cancel()
    await asyncio.gather(*relay._tasks, return_exceptions=True)

    again = Relay(db, house, Recent())
    again.add("inbox 0", {"thing.made"}, second.deliver)
    await again.start()
    await write(journal, "thing:after", 1)
    await until(lambda: "thing:after" in {one.stream for one in second.heard})
    await again.stop()
    assert {one.seq for one in [*first.heard, *second.heard] if one.stream != "thing:after"} >= {
        one.seq for one in first.heard
    }
