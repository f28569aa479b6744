"""What couriers carry: the limit of a day holds whatever comes at once, and points follow what was done."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from actors.runtime.ids import uuid7
from storage.courier import (
    CourierStore,
    accept_write,
    deliver_write,
    fail_write,
    late_write,
    move_write,
    overdue_write,
    release_write,
)
from storage.house import House
from storage.journal import Journal, Write
from storage.postgres import Database
from tests.courier.rows import connected, insert_courier, load_of
from tests.storage.things import happened

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE, THERE = "PK5F3D", "AB7C2A"
REFUSED = LookupError("refused")


@pytest.fixture
async def house(database_dsn: str) -> AsyncIterator[House]:
    claimed = await House.claim(database_dsn, "one")
    yield claimed
    await claimed.release()


@pytest.fixture
async def journal(database_dsn: str, house: House) -> AsyncIterator[Journal]:
    opened = Journal(database_dsn, house)
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
async def store(database_dsn: str, house: House) -> AsyncIterator[CourierStore]:
    database = await Database.open(database_dsn, house.application_name, pool_size=2)
    yield CourierStore(database)
    await database.close()


async def commit(journal: Journal, *writes: Write) -> bool:
    """A turn of a letter of its own. False: it was refused."""
    stream = f"letter:{uuid7()}"
    try:
        await journal.commit(lane=stream, cause=uuid7(), caller=None, events=[happened(stream, 1)], writes=writes)
    except LookupError:
        return False
    return True


def accept(user_id: str, pickup: str = HERE, target: str = THERE, now: datetime = NOW) -> Write:
    return accept_write(user_id, pickup, target, now, REFUSED)


async def test_the_limit_of_a_day_holds_whatever_comes_at_once(journal: Journal, database_dsn: str) -> None:
    one, two = await insert_courier(database_dsn, limit=7), await insert_courier(database_dsn, limit=3)

    taken = await asyncio.gather(*(commit(journal, accept(who)) for _ in range(40) for who in (one, two)))

    assert (sum(taken[0::2]), sum(taken[1::2])) == (7, 3)
    assert [(await load_of(database_dsn, who))["open_tasks"] for who in (one, two)] == [7, 3]
    async with connected(database_dsn) as connection:
        days = await connection.fetch("select user_id::text, day, accepted from courier_day")
    assert {tuple(day) for day in days} == {(one, NOW.date(), 7), (two, NOW.date(), 3)}


async def test_a_new_day_has_new_places(journal: Journal, database_dsn: str) -> None:
    who = await insert_courier(database_dsn, limit=1)

    assert await commit(journal, accept(who))
    assert not await commit(journal, accept(who, now=NOW + timedelta(hours=11)))
    assert await commit(journal, accept(who, now=NOW + timedelta(hours=12)))
    assert not await commit(journal, accept(who, now=NOW + timedelta(hours=13)))
    assert not await commit(journal, accept(who)), "a house whose clock is behind opens no second yesterday"


@pytest.mark.parametrize(
    ("prefixes", "status", "rating", "takes"),
    [
        (["PK5F"], "active", 3.0, True),
        (["AB7C2A"], "active", 5.0, True),
        (["PK5G"], "active", 5.0, False),
        ([], "active", 5.0, False),
        ([""], "active", 5.0, False),
        (["PK5F"], "suspended", 5.0, False),
        (["PK5F"], "pending", 5.0, False),
        (["PK5F"], "rejected", 5.0, False),
        (["PK5F"], "active", 2.99, False),
    ],
)
async def test_who_takes_a_task_is_active_well_rated_and_at_one_of_its_ends(
    journal: Journal, store: CourierStore, database_dsn: str, prefixes: list[str], status: str, rating: float,
    takes: bool,  # noqa: FBT001
) -> None:  # fmt: skip
    who = await insert_courier(database_dsn, prefixes=prefixes, status=status, rating=rating)

    assert [str(row["user_id"]) for row in await store.list_takers(HERE, THERE, NOW)] == ([who] if takes else [])
    assert await commit(journal, accept(who)) is takes
    assert (await load_of(database_dsn, who))["open_tasks"] == int(takes)


async def test_who_can_collect_goes_before_who_is_where_it_goes(store: CourierStore, database_dsn: str) -> None:
    there = await insert_courier(database_dsn, prefixes=["AB7C"])
    assert [row["user_id"] for row in await store.list_takers(HERE, THERE, NOW)] == [there]
    here = await insert_courier(database_dsn, 2, prefixes=["PK5F"])
    assert [row["user_id"] for row in await store.list_takers(HERE, THERE, NOW)] == [here]


async def test_points_and_rating_follow_what_was_done(journal: Journal, database_dsn: str) -> None:
    who = await insert_courier(database_dsn, rating=4.0)
    for _ in range(6):
        await commit(journal, accept(who))

    assert await commit(journal, deliver_write(who, NOW))
    done = [
        deliver_write(who, NOW), overdue_write(who, NOW), deliver_write(who, NOW), fail_write(who, NOW),
        late_write(who, NOW), release_write(who, NOW),
    ]  # fmt: skip
    await asyncio.gather(*(commit(journal, write) for write in done))

    load = await load_of(database_dsn, who)
    assert (load["open_tasks"], load["delivered"], load["failed"], load["late"]) == (0, 3, 1, 2)
    assert load["points"] == 20 + 5 + (5 - 5) - 5
    assert load["rating"] == pytest.approx(4.0 + 0.05 + 0.05 - 0.25 + 0.05 - 0.05 - 0.25)


async def test_points_and_rating_have_an_end(journal: Journal, database_dsn: str) -> None:
    who = await insert_courier(database_dsn, rating=1.1)
    await asyncio.gather(*(commit(journal, late_write(who, NOW)) for _ in range(3)))

    load = await load_of(database_dsn, who)
    assert (load["points"], load["rating"], load["open_tasks"]) == (0, 1.0, 0)


async def test_a_task_goes_from_hand_to_hand_whatever_the_day_holds(journal: Journal, database_dsn: str) -> None:
    giver, taker = await insert_courier(database_dsn), await insert_courier(database_dsn, 2, ["AB7C"], limit=0)
    await asyncio.gather(*(commit(journal, accept(giver)) for _ in range(5)))

    moved = [move_write(giver, taker, HERE, THERE, NOW, REFUSED) for _ in range(3)]
    assert all(await asyncio.gather(*(commit(journal, write) for write in moved)))

    assert [(await load_of(database_dsn, who))["open_tasks"] for who in (giver, taker)] == [2, 3]


async def test_nobody_takes_over_who_is_suspended_or_a_stranger(journal: Journal, database_dsn: str) -> None:
    giver = await insert_courier(database_dsn)
    suspended, stranger = (
        await insert_courier(database_dsn, 2, status="suspended"),
        await insert_courier(database_dsn, 2, ["XX5F"]),
    )
    await commit(journal, accept(giver))

    for taker in (suspended, stranger, uuid7()):
        assert not await commit(journal, move_write(giver, taker, HERE, THERE, NOW, REFUSED))
    assert (await load_of(database_dsn, giver))["open_tasks"] == 1


async def test_nobody_is_suspended_while_they_take_a_task(database_dsn: str) -> None:
    who = await insert_courier(database_dsn)
    async with connected(database_dsn) as house, connected(database_dsn) as other:
        write = accept(who)
        async with house.transaction():
            assert await house.fetch(write.statement.sql, *([arg] for arg in write.args))
            suspend = asyncio.create_task(
                other.execute("update courier set status = 'suspended' where user_id = $1", who)
            )
            await asyncio.sleep(0.1)
            assert not suspend.done()
        await suspend
        assert await house.fetch(write.statement.sql, *([arg] for arg in write.args)) == []


async def test_tasks_that_go_round_among_many_are_neither_lost_nor_multiplied(
    journal: Journal, database_dsn: str
) -> None:
    people = [await insert_courier(database_dsn, limit=100) for _ in range(5)]
    await asyncio.gather(*(commit(journal, accept(who)) for who in people for _ in range(20)))

    around = [move_write(a, b, HERE, THERE, NOW, REFUSED) for a in people for b in people if a != b for _ in range(4)]
    ends = [deliver_write(who, NOW) for who in people for _ in range(4)]
    assert all(await asyncio.gather(*(commit(journal, write) for write in [*around[:40], *ends, *around[40:]])))

    loads = [await load_of(database_dsn, who) for who in people]
    assert [load["open_tasks"] for load in loads] == [16] * 5
    assert [load["delivered"] for load in loads] == [4] * 5
