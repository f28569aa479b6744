"""A house's claim on its database: one at a time, a new incarnation each, and a lease that survives trouble."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from actors.runtime.clock import SystemClock
from app.composition import follow_clock
from storage import house as storage_house
from storage.errors import HouseTaken
from storage.house import LEASE_SECONDS, House
from tests.storage.things import ask, until


async def test_a_second_house_on_the_same_database_is_refused_by_name(house: House, dsn: str) -> None:
    with pytest.raises(HouseTaken, match="one"):
        await House.claim(dsn, "two")


async def test_a_house_that_released_its_claim_can_come_back_at_once(dsn: str) -> None:
    first = await House.claim(dsn, "one")
    await first.release()
    began = time.monotonic()
    second = await House.claim(dsn, "one")

    assert time.monotonic() - began < 1
    assert (second.id, second.incarnation > first.incarnation) == (first.id, True)
    await second.release()


async def test_a_house_that_was_killed_leaves_nothing_to_wait_for(dsn: str) -> None:
    first = await House.claim(dsn, "one")
    leftover = await asyncpg.connect(dsn, server_settings={"application_name": first.application_name})
    await leftover.execute("begin")
    await leftover.fetchval("select fence($1)", first.incarnation)
    assert first._connection is not None and first._task is not None
    first._task.cancel()
    first._connection.terminate()
    began = time.monotonic()
    second = await House.claim(dsn, "one")

    assert time.monotonic() - began < 2
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await leftover.execute("commit")
    leftover.terminate()
    await second.release()


async def test_houses_that_share_a_database_live_side_by_side(dsn: str) -> None:
    one, two = await House.claim(dsn, "one", alone=False), await House.claim(dsn, "two", alone=False)

    assert one.id != two.id
    assert one.is_held() and two.is_held()
    await one.release()
    await two.release()


async def test_a_newer_incarnation_fences_the_older(dsn: str) -> None:
    old = await House.claim(dsn, "one", alone=False)
    lost = asyncio.Event()
    old.on_lost = lost.set
    new = await House.claim(dsn, "one", alone=False)

    with pytest.raises(asyncpg.PostgresError) as caught:
        await ask(dsn, "select fence($1)", old.incarnation)
    assert caught.value.sqlstate == "PHF01"
    assert (await ask(dsn, "select fence($1)", new.incarnation))[0][0] is True
    async with asyncio.timeout(5):
        await lost.wait()
    assert not old.is_held()
    await old.release()
    await new.release()
    assert (await ask(dsn, "select alive from house"))[0][0] is False


async def test_an_older_incarnation_that_stops_leaves_the_newer_alive(dsn: str) -> None:
    old = await House.claim(dsn, "one", alone=False)
    new = await House.claim(dsn, "one", alone=False)
    await old.release()

    assert (await ask(dsn, "select alive from house"))[0][0] is True
    await new.release()


async def seconds_counted(dsn: str, name: str) -> float:
    """For how long a house counts, unless it looks before."""
    rows = await ask(
        dsn, "select extract(epoch from counts_until - clock_timestamp())::float from house where name = $1", name
    )
    return float(rows[0][0])


async def test_a_house_that_starts_beside_others_counts_as_long_as_its_last_life_at_work_would_have(dsn: str) -> None:
    lives = [await House.claim(dsn, name, alone=False) for name in ("one", "two")]
    assert 0 < await seconds_counted(dsn, "two") < 2, "nobody is at work: for a moment, so that both share"
    await ask(dsn, "update house set counts_until = 'infinity'")
    lives.append(await House.claim(dsn, "two", alone=False))
    left = await seconds_counted(dsn, "two")
    assert LEASE_SECONDS - 2.5 < left <= LEASE_SECONDS, "the lease of the life that was at work"

    await asyncio.sleep(0.3)
    lives.append(await House.claim(dsn, "two", alone=False))
    assert await seconds_counted(dsn, "two") < left - 0.3, "a life that never was at work adds nothing"

    await ask(dsn, "update house set counts_until = 'infinity', is_leaving = name = 'two'")
    lives.append(await House.claim(dsn, "two", alone=False))
    assert await seconds_counted(dsn, "two") <= 0, "what a house had that was about to stop is others' already"
    for life in reversed(lives):
        await life.release()
    lives = [await House.claim(dsn, "one", alone=False)]
    await ask(dsn, "update house set counts_until = 'infinity'")
    lives.append(await House.claim(dsn, "two", alone=False))
    assert await seconds_counted(dsn, "two") <= 0, "nor has one that had stopped"
    for life in lives:
        await life.release()


async def test_a_lease_whose_connection_was_killed_is_held_again_with_its_lock(house: House, dsn: str) -> None:
    assert house._connection is not None
    pid = house._connection.get_server_pid()
    await ask(dsn, "select pg_terminate_backend($1)", pid)

    await until(lambda: house._connection is not None and house._connection.get_server_pid() != pid, seconds=2)
    assert house.is_held()
    with pytest.raises(HouseTaken):
        await House.claim(dsn, "two")


async def test_take_over_waits_for_a_transaction_that_has_asked_the_fence(house: House, dsn: str) -> None:
    writer, taker = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    transaction = writer.transaction()
    await transaction.start()
    await writer.fetchval("select fence($1)", house.incarnation)
    await ask(dsn, "update house set lease_expires_at = now()")  # a renewal passes

    taking = asyncio.create_task(taker.execute("select 1 from house for update"))
    await asyncio.sleep(0.1)
    assert not taking.done()
    await transaction.commit()
    await taking
    await writer.close()
    await taker.close()


async def test_the_offset_to_the_databases_clock_is_measured(house: House) -> None:
    assert abs(house.offset_seconds) < 0.05  # the same machine


@pytest.mark.parametrize("name", ["", "a/b", "x" * 41, "häuschen"])
async def test_names_that_do_not_fit_a_connections_name_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name for a house"):
        await House.claim("postgresql://nowhere", name)


async def test_a_house_alone_renews_seldom_what_it_holds_for_long(house: House, dsn: str) -> None:
    lease = "select lease_expires_at, extract(epoch from lease_expires_at - clock_timestamp())::float from house"
    [(first, _)] = await ask(dsn, lease)
    await asyncio.sleep(3)
    [(second, left)] = await ask(dsn, lease)
    assert first == second
    one_lost = storage_house._ALONE_RENEW_SECONDS + storage_house._ANSWER_SECONDS + storage_house.MARGIN_SECONDS
    assert left > one_lost - 3 and house.is_held()


async def test_each_renewal_tells_of_the_databases_clock(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    follow_clock(clock, house)
    assert clock.offset == timedelta(seconds=house.offset_seconds)
    assert house._connection is not None
    monkeypatch.setattr(time, "time", lambda: datetime.now(UTC).timestamp() - 100)
    house._round_trip_seconds = 60.0  # what was measured before is forgotten
    await house._renew(house._connection)
    assert 99 < clock.offset.total_seconds() < 101
