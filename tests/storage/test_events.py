"""Reading the event table, and forgetting what is old."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from storage.events import Cursor, EventRow, EventStore
from storage.journal import Journal
from storage.postgres import Database
from tests.storage.things import Happened, ask, new_id

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CALLER = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
async def store(db: Database, journal: Journal) -> EventStore:
    """Three streams: a has 5 events, one a day, every other one ``odd``; b has 2; c has 1. CALLER made those of b."""
    for stream, count in (("a", 5), ("b", 2), ("c", 1)):
        for n in range(1, count + 1):
            type_ = "odd" if n % 2 else "even"
            event = Happened(stream, n, type_, b'{"n":%d}' % n, NOW + timedelta(days=n))
            caller = CALLER if stream == "b" else None
            await journal.commit(lane=stream, cause=new_id(), caller=caller, events=[event], writes=[])
    return EventStore(db)


async def test_a_stream_is_read_in_order_from_anywhere(store: EventStore) -> None:
    assert [e.n for e in await store.read_stream("a")] == [1, 2, 3, 4, 5]
    assert [e.n for e in await store.read_stream("a", 2, 2)] == [3, 4]
    assert [e.n for e in await store.read_stream("a", limit=2, reverse=True)] == [5, 4]
    assert [e.n for e in await store.read_stream("a", 3, reverse=True)] == [2, 1]
    assert await store.read_stream("none") == []


async def test_an_event_comes_back_as_it_was_stored(store: EventStore) -> None:
    (event,) = await store.read_stream("b", 1)

    assert (event.type, event.body, event.caller, event.ordinal) == ("even", b'{"n":2}', CALLER, 0)
    assert event.at == NOW + timedelta(days=2)


async def test_heads_are_the_newest_numbers(store: EventStore) -> None:
    assert await asyncio.gather(*(store.head(stream) for stream in ("a", "b", "none", "a"))) == [5, 2, 0, 5]


async def test_events_are_listed_newest_first_by_every_filter(store: EventStore) -> None:
    async def listed(**filters: object) -> list[tuple[str, int]]:
        return [(e.stream, e.n) for e in await store.list_events(**filters)]  # type: ignore[arg-type]

    assert await listed() == [("a", 5), ("a", 4), ("a", 3), ("b", 2), ("a", 2), ("c", 1), ("b", 1), ("a", 1)]
    assert await listed(type="even") == [("a", 4), ("b", 2), ("a", 2)]
    assert await listed(caller=CALLER, type="odd") == [("b", 1)]
    assert await listed(stream="a", type="odd", since=NOW + timedelta(days=2)) == [("a", 5), ("a", 3)]
    assert await listed(stream="a", caller=CALLER) == []


@pytest.mark.parametrize("filters", [{}, {"stream": "a"}, {"caller": CALLER}], ids=["all", "stream", "caller"])
async def test_pages_join_without_a_gap_or_a_double(store: EventStore, filters: dict[str, str]) -> None:
    whole = list(await store.list_events(**filters))  # type: ignore[arg-type]
    paged: list[EventRow] = []
    cursor = None
    while page := await store.list_events(cursor=cursor, limit=1, **filters):  # type: ignore[arg-type]
        paged += page
        cursor = Cursor(page[-1].at, page[-1].stream, page[-1].n)

    assert paged == whole


async def test_old_events_go_and_the_newest_of_each_stream_stays(store: EventStore) -> None:
    assert await store.delete_events(NOW + timedelta(days=3, hours=1), batch=2) == 4

    left = [(e.stream, e.n) for e in await store.list_events()]
    assert left == [("a", 5), ("a", 4), ("b", 2), ("c", 1)]
    assert await store.delete_events(NOW + timedelta(days=100), batch=1) == 1
    assert await store.head("a") == 5


async def test_events_that_a_consumer_has_yet_to_hear_stay(store: EventStore, dsn: str) -> None:
    await ask(dsn, "insert into consumer select distinct 'slow', house, lane, 0 from event")

    assert await store.delete_events(NOW + timedelta(days=100)) == 0


async def test_the_epoch_is_the_same_until_history_forks(store: EventStore) -> None:
    epoch = await store.epoch()
    assert await store.epoch() == epoch
    await store.update_epoch()

    assert await store.epoch() != epoch
