"""The relay: every event reaches every consumer, in order inside its stream, at least once."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from storage.errors import DatabaseUnavailable
from storage.events import EventRow
from storage.house import House
from storage.journal import Journal
from storage.postgres import Database, Record
from storage.queries import Statement
from storage.relay import Relay
from tests.storage.things import TOGETHER, ask, happened, new_id, until


class Inbox:
    """A consumer that remembers; ``fail`` makes it refuse."""

    def __init__(self) -> None:
        self.heard: list[EventRow] = []
        self.fail: Callable[[Sequence[EventRow]], bool] = lambda _: False
        self.tries = 0

    async def deliver(self, rows: Sequence[EventRow]) -> None:
        self.tries += 1
        if self.fail(rows):
            raise RuntimeError("not now")
        self.heard += rows

    async def until(self, count: int, seconds: float = 5.0) -> None:
        await until(lambda: len(self.heard) >= count, seconds)


@pytest.fixture(params=[1.0, 600.0], ids=["among-many", "alone"])
async def relay(request: pytest.FixtureRequest, db: Database, house: House, journal: Journal) -> AsyncIterator[Relay]:
    """Each test also with a relay that would not look at the table by itself while the test lasts."""
    made = Relay(db, house, journal.recent, poll_seconds=request.param)
    yield made
    await made.stop()


async def write(journal: Journal, stream: str, n: int = 1, type: str = "thing.made") -> None:  # noqa: A002
    await journal.commit(lane=stream, cause=new_id(), caller=None, events=[happened(stream, n, type)], writes=[])


async def write_many(journal: Journal, writers: int, each: int) -> None:
    async def one(stream: str) -> None:
        for n in range(1, each + 1):
            await write(journal, stream, n)

    await asyncio.gather(*(one(f"thing:{writer}") for writer in range(writers)))


async def test_every_event_of_sixteen_writers_is_heard_once_and_in_order(relay: Relay, journal: Journal) -> None:
    inbox = Inbox()
    relay.add("inbox", {"thing.made"}, inbox.deliver)
    await relay.start()

    await write_many(journal, writers=16, each=50)
    await inbox.until(16 * 50)

    streams = defaultdict(list)
    for event in inbox.heard:
        streams[event.stream].append(event.n)
    assert all(ns == list(range(1, 51)) for ns in streams.values())
    assert len(streams) == 16


async def test_batches_of_the_shared_lane_are_heard_too(relay: Relay, journal: Journal) -> None:
    inbox = Inbox()
    relay.add("inbox", {"thing.made"}, inbox.deliver)
    await relay.start()

    names = [[f"{batch}-{i}" for i in range(10)] for batch in range(5)]
    await asyncio.gather(
        *(journal.commit_together(statement=TOGETHER, args=([new_id() for _ in some], some)) for some in names)
    )
    await inbox.until(50)

    assert max(Counter(event.stream for event in inbox.heard).values()) == 1


async def test_a_consumer_hears_of_its_types_alone_and_of_what_came_before_it(relay: Relay, journal: Journal) -> None:
    await write(journal, "thing:1", 1)
    await write(journal, "thing:1", 2, "thing.gone")
    inbox = Inbox()
    relay.add("inbox", {"thing.gone"}, inbox.deliver)
    await relay.start()
    await inbox.until(1)

    assert [(event.n, event.body) for event in inbox.heard] == [(2, b'{"a":1}')]
    await asyncio.sleep(0.05)
    assert await relay.lag() == {"inbox": 0}


async def test_a_commit_is_heard_well_before_the_next_poll(relay: Relay, journal: Journal) -> None:
    inbox = Inbox()
    relay.add("inbox", {"thing.made"}, inbox.deliver)
    await relay.start()
    await asyncio.sleep(0.1)

    for n in range(1, 6):
        await write(journal, "thing:1", n)
        await inbox.until(n, seconds=0.5)


async def test_a_consumer_that_fails_holds_up_nobody_else_and_misses_nothing(relay: Relay, journal: Journal) -> None:
    good, bad = Inbox(), Inbox()
    bad.fail = lambda _: bad.tries < 3
    relay.add("good", {"thing.made"}, good.deliver)
    relay.add("bad", {"thing.made"}, bad.deliver)
    await relay.start()

    await write(journal, "thing:1", 1)
    await write(journal, "thing:1", 2)
    await good.until(2, seconds=1)
    assert bad.heard == []
    assert (await relay.lag())["bad"] == 2
    await bad.until(2)
    assert [event.n for event in bad.heard] == [1, 2]


async def test_a_position_outlives_the_relay(dsn: str, db: Database, house: House, journal: Journal) -> None:
    for start in range(2):
        inbox = Inbox()
        relay = Relay(db, house, journal.recent)
        relay.add("inbox", {"thing.made"}, inbox.deliver)
        await relay.start()
        numbers = [start * 2 + 1, start * 2 + 2]
        for heard, n in enumerate(numbers, start=1):
            await write(journal, "thing:1", n)
            await inbox.until(heard)
        await relay.stop()
        assert [event.n for event in inbox.heard] == numbers


async def test_what_was_delivered_but_not_noted_is_delivered_again(
    dsn: str, db: Database, house: House, journal: Journal
) -> None:
    await write(journal, "thing:1")
    entered = asyncio.Event()

    async def stuck(_: Sequence[EventRow]) -> None:
        entered.set()
        await asyncio.sleep(60)

    first = Relay(db, house, journal.recent)
    first.add("inbox", {"thing.made"}, stuck)
    await first.start()
    await entered.wait()
    await first.stop(timeout_seconds=0.05)
    inbox, second = Inbox(), Relay(db, house, journal.recent)
    second.add("inbox", {"thing.made"}, inbox.deliver)
    await second.start()
    await inbox.until(1)
    await second.stop()


async def test_the_relay_goes_on_when_its_connections_were_killed(relay: Relay, journal: Journal, dsn: str) -> None:
    inbox = Inbox()
    relay.add("inbox", {"thing.made"}, inbox.deliver)
    await relay.start()
    await write(journal, "thing:1", 1)
    await inbox.until(1)

    await ask(dsn, "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'posthouse/%'")
    await write(journal, "thing:1", 2)
    await inbox.until(2)


async def test_events_of_an_earlier_house_are_delivered_by_the_next(dsn: str) -> None:
    inbox = Inbox()
    for name in ("old", "new"):
        house = await House.claim(dsn, name)
        db = await Database.open(dsn, house.application_name)
        journal = Journal(dsn, house)
        relay = Relay(db, house, journal.recent)
        if name == "new":
            relay.add("inbox", {"thing.made"}, inbox.deliver)
            await relay.start()
        await write(journal, f"thing:{name}")
        await (inbox.until(2) if name == "new" else asyncio.sleep(0))
        for part in (journal.stop(), relay.stop(), db.close(), house.release()):
            await part

    assert {event.stream for event in inbox.heard} == {"thing:old", "thing:new"}


async def test_a_name_is_given_once(relay: Relay) -> None:
    relay.add("inbox", {"a"}, Inbox().deliver)

    with pytest.raises(ValueError, match="inbox"):
        relay.add("inbox", {"b"}, Inbox().deliver)


async def test_what_could_not_be_read_is_read_as_soon_as_it_can_be(
    relay: Relay, journal: Journal, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox()
    relay.add("inbox", {"thing.made"}, inbox.deliver)
    await relay.start()
    await asyncio.sleep(0.2)
    fetch, failed = db.fetch, asyncio.Event()

    async def fail(*_: object) -> None:
        failed.set()
        raise DatabaseUnavailable("away for a moment")

    monkeypatch.setattr(db, "fetch", fail)
    await journal.commit_together(statement=TOGETHER, args=([new_id()], ["a"]))
    await failed.wait()
    monkeypatch.setattr(db, "fetch", fetch)
    await inbox.until(1)


async def test_a_relay_with_nothing_to_do_reads_nothing(
    db: Database, house: House, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay, inbox = Relay(db, house, journal.recent, poll_seconds=600.0), Inbox()
    relay.add("inbox", {"thing.made"}, inbox.deliver)
    await relay.start()
    await write(journal, "thing:1")
    await inbox.until(1)
    await asyncio.sleep(1)  # positions are kept
    fetch, read = db.fetch, Counter[str]()

    async def counted(statement: Statement, *args: object) -> Sequence[Record]:
        read[statement.name] += 1
        return await fetch(statement, *args)

    monkeypatch.setattr(db, "fetch", counted)
    await asyncio.sleep(2.5)
    assert not read
    await relay.stop()
