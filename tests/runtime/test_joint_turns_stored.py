"""Joint turns over the real journal and PostgreSQL: what is in the tables when many write to one entity at once."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import pytest

from actors.runtime.actor import Decision, Entity, Ref, Snapshot, Turn, handles
from actors.runtime.errors import DomainError, Unavailable
from actors.runtime.message import SYSTEM, Caller, Command, Event
from actors.runtime.ports import DuplicateTurn
from actors.runtime.system import System
from storage.house import House
from storage.journal import Journal, Write
from storage.postgres import Database
from storage.queries import Statement
from tests.runtime.world import Store
from tests.storage.things import INSERT, TABLE, USE, ask, new_id

SHELF = "create table shelf (id text primary key, n bigint not null, things integer not null)"
LOAD = Statement("shelf.load", "select things, n from shelf where id = $1", "many")
FIND = Statement("thing.find", "select id from thing where name = $1", "many")
SAVE = Statement(
    "shelf.save",
    """
    insert into shelf (id, n, things) select * from unnest($1::text[], $2::bigint[], $3::integer[])
    on conflict (id) do update set n = excluded.n, things = excluded.things
    """,
    "exec",
)


class Taken(DomainError):  # noqa: N818 - reads as the answer
    """The name is taken."""

    code = "conflict"


class Placed(Event, frozen=True, tag="shelf.placed"):
    """A thing was placed."""

    name: str


class Place(Command[str], frozen=True):
    """Place a thing, and use it once; return the number of things and the answer to the use of it."""

    name: str
    finds: bool = False  # answer with the id of the thing that has the name


class Shelf(Entity[int]):
    """Owns a number of things."""

    kind = "shelf"

    def __init__(self, database: Database) -> None:
        self.database = database

    async def load(self, key: str) -> Snapshot[int] | None:
        rows = await self.database.fetch(LOAD, key)
        return Snapshot(rows[0]["things"], rows[0]["n"]) if rows else None

    def apply(self, state: int | None, event: Event) -> int:
        assert isinstance(event, Placed)
        return (state or 0) + 1

    def save(self, key: str, state: int | None, n: int) -> Sequence[Write]:
        return [Write(SAVE, (key, n, state))]

    @handles(joins=True)
    def place(self, state: int | None, message: Place, turn: Turn) -> Decision[str]:
        async def found(refusal: DomainError) -> str:
            if not message.finds:
                raise refusal
            rows = await self.database.fetch(FIND, message.name)
            return f"found {rows[0]['id']}"

        thing_id = new_id()
        return Decision(
            answer=lambda rows: f"{(state or 0) + 1} {rows[1][0][1]} {thing_id}",
            refused=found,
            events=[Placed(at=turn.now, name=message.name)],
            writes=[
                Write(INSERT, (thing_id, message.name), constraints={"thing_name_key": Taken("taken")}),
                Write(USE, (thing_id,), expect=1, otherwise=Taken("gone")),
            ],
        )


@pytest.fixture
async def journal(database_dsn: str) -> AsyncIterator[Journal]:
    for statement in (TABLE, SHELF):
        await ask(database_dsn, statement)
    house = await House.claim(database_dsn, "one")
    opened = Journal(database_dsn, house, duplicate=DuplicateTurn)
    await opened.start()
    yield opened
    await opened.stop()
    await house.release()


@pytest.fixture
async def shelf(database_dsn: str, journal: Journal) -> AsyncIterator[Ref]:
    database, store = await Database.open(database_dsn, "test", pool_size=2), Store()
    system = System(
        kinds=[Shelf(database)],
        journal=journal,
        publisher=store,
        dead_letters=store,
        record_idempotency=lambda *_: None,
    )
    async with system:
        yield system.ref("shelf", "s")
    await database.close()


def turns(journal: Journal) -> int:
    return sum(lane["turns"] for lane in journal.statistics())


async def test_many_senders_share_turns_and_each_event_has_its_senders_name(
    shelf: Ref, journal: Journal, database_dsn: str
) -> None:
    senders = [new_id() for _ in range(60)]
    answers = await asyncio.gather(
        *(shelf.ask(Place(name=f"thing {i}"), Caller(user_id=sender)) for i, sender in enumerate(senders))
    )
    assert [answer.split()[:2] for answer in answers] == [[str(i), "1"] for i in range(1, 61)]
    assert turns(journal) == 1
    rows = await ask(database_dsn, "select n, caller::text, cause, ordinal, body from event order by seq")
    assert [row["n"] for row in rows] == list(range(1, 61))
    assert [row["caller"] for row in rows] == senders
    assert [json.loads(row["body"])["name"] for row in rows] == [f"thing {i}" for i in range(60)]
    assert {row["ordinal"] for row in rows} == {0}
    assert len({row["cause"] for row in rows}) == 60
    assert [tuple(row) for row in await ask(database_dsn, "select n, things from shelf")] == [(60, 60)]
    assert (await ask(database_dsn, "select count(*) from thing where used = 1"))[0][0] == 60


async def test_a_name_that_is_taken_is_refused_or_found_and_spoils_nobody(shelf: Ref, database_dsn: str) -> None:
    _, _, first = (await shelf.ask(Place(name="x"), SYSTEM)).split()
    answers = await asyncio.gather(
        shelf.ask(Place(name="a"), SYSTEM),
        shelf.ask(Place(name="x"), SYSTEM),
        shelf.ask(Place(name="b"), SYSTEM),
        shelf.ask(Place(name="x", finds=True), SYSTEM),
        shelf.ask(Place(name="c"), SYSTEM),
        return_exceptions=True,
    )
    assert isinstance(answers[1], Taken)
    assert answers[3] == f"found {first}"
    assert [str(answer).split()[0] for answer in (answers[0], answers[2], answers[4])] == ["2", "3", "4"]
    assert [row["n"] for row in await ask(database_dsn, "select n from event order by seq")] == [1, 2, 3, 4]


async def test_a_command_that_comes_again_in_other_company_takes_effect_once(shelf: Ref, database_dsn: str) -> None:
    await shelf.ask(Place(name="a"), SYSTEM, cause="once")
    answers = await asyncio.gather(
        shelf.ask(Place(name="b"), SYSTEM),
        shelf.ask(Place(name="again"), SYSTEM, cause="once"),
        shelf.ask(Place(name="c"), SYSTEM),
        return_exceptions=True,
    )
    assert isinstance(answers[1], DomainError)
    assert sorted(row["name"] for row in await ask(database_dsn, "select name from thing")) == ["a", "b", "c"]
    assert [tuple(row) for row in await ask(database_dsn, "select n, things from shelf")] == [(3, 3)]


async def test_a_house_that_may_not_write_any_more_tells_all_of_them(shelf: Ref, database_dsn: str) -> None:
    await ask(database_dsn, "update house set alive = false")
    answers = await asyncio.gather(*(shelf.ask(Place(name=name), SYSTEM) for name in "abc"), return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}
    assert await ask(database_dsn, "select 1 from thing") == []
