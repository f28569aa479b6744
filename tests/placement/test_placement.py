"""Partitions among living, coming, leaving, dying and doubting houses."""

import asyncio
import time

import asyncpg
import pytest

from actors.runtime.errors import DomainError, TimedOut
from actors.runtime.placement import placement as logic
from actors.runtime.placement.rendezvous import share
from storage import house as storage_house
from storage.errors import Fenced
from storage.placement import PlacementStore
from tests.placement.conftest import Build
from tests.placement.homestead import KEYS, Homestead, are_settled, owners, until_settled, until_shared
from tests.runtime.world import Store


@pytest.fixture
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything about a lease in a third of its time."""
    for name in ("LEASE_SECONDS", "MARGIN_SECONDS", "_RENEW_SECONDS"):
        monkeypatch.setattr(storage_house, name, getattr(storage_house, name) / 3)
    monkeypatch.setattr(logic, "WELL_SECONDS", 1.0)


class Load:
    """Adds to all counters through each house in turn, and remembers what was said and how long it took."""

    def __init__(self, *houses: Homestead) -> None:
        self.houses = list(houses)
        self.added = dict.fromkeys(KEYS, 0)
        self.unknown = dict.fromkeys(KEYS, 0)
        self.refused: list[DomainError] = []
        self.slowest = 0.0
        self._is_over = False
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        count = 0
        while not self._is_over:
            house = self.houses[count % len(self.houses)]
            await asyncio.gather(*(self._add(house, KEYS[(count * 7 + step) % len(KEYS)]) for step in range(20)))
            count += 1
            await asyncio.sleep(0.01)

    async def _add(self, house: Homestead, key: str) -> None:
        began = time.monotonic()
        try:
            await house.add(key)
            self.added[key] += 1
        except DomainError as error:
            self.refused.append(error)
            self.unknown[key] += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    async def end(self) -> None:
        self._is_over = True
        await self._task

    def check(self, store: Store) -> None:
        """What was said is so: nothing that was acknowledged is lost or doubled."""
        for key in KEYS:
            value = store.rows.get(f"counter:{key}", (0, 0))[0]
            assert self.added[key] <= value <= self.added[key] + self.unknown[key], key


async def settled_pair(build: Build) -> tuple[Homestead, Homestead]:
    one, two = await asyncio.gather(build("one"), build("two"))
    await until_settled([one, two], 15)
    return one, two


async def test_one_house_alone_owns_everything_at_once(build: Build) -> None:
    house = await build("one")
    assert await until_shared([house], 1) < 1
    assert await house.add("k") == 1
    assert house.placement.has_looked


async def test_a_house_that_comes_gets_its_share_a_step_at_a_time_and_nobody_waits_for_long(
    build: Build, store: Store
) -> None:
    one = await build("one")
    await until_shared([one], 1)
    load = Load(one)
    two = await build("two")
    load.houses.append(two)
    before, most = len(one.owned), 0
    while not are_settled([one, two]):
        await asyncio.sleep(0.1)
        most = max(most, before - len(one.owned))
        before = len(one.owned)
        owners([one, two])
    await load.end()

    assert most <= 26, "a tenth of all in one step"
    assert load.refused == []
    assert load.slowest < 1
    assert one.placement.longest_hand_over_seconds < 1
    load.check(store)


async def test_a_house_that_leaves_hands_everything_over_within_a_second(build: Build, store: Store) -> None:
    one, two = await settled_pair(build)
    load = Load(two)
    began = time.monotonic()
    await one.placement.leave()
    await until_shared([two], 1)
    assert time.monotonic() - began < 1
    await asyncio.sleep(0.3)
    await one.stop()
    await load.end()

    assert load.refused == []
    assert load.slowest < 1
    load.check(store)


async def test_a_house_knows_whether_anybody_would_take_over_what_it_gives_up(build: Build) -> None:
    one, two = await settled_pair(build)
    assert one.placement.has_neighbours and two.placement.has_neighbours
    await two.placement.leave()
    await until_shared([one], 5)
    assert not one.placement.has_neighbours


async def test_a_turn_that_is_under_way_is_ended_before_its_partition_goes(build: Build) -> None:
    one, two = await settled_pair(build)
    key = next(key for key in KEYS if one.streams.number_of("counter", key) in one.owned)
    one.store.open.clear()
    first = asyncio.ensure_future(two.add(key))
    while not one.streams.figures()["pending"]:
        await asyncio.sleep(0.01)
    waiting = [asyncio.ensure_future(house.add(key)) for house in (two, one) * 3]
    await asyncio.sleep(0.1)
    leaving = asyncio.create_task(one.placement.leave())
    await asyncio.sleep(0.3)
    assert not leaving.done(), "its turn is not over"
    assert one.streams.number_of("counter", key) not in two.owned
    one.store.open.set()
    await asyncio.wait_for(leaving, 1)
    values = await asyncio.gather(first, *waiting)
    assert sorted(values) == [1, 2, 3, 4, 5, 6, 7], "what had not begun was handed over, and nobody was refused"
    assert [values[0], *values[1::2]] == sorted([values[0], *values[1::2]]), "order of one sender"


async def begin_a_turn(house: Homestead, asker: Homestead, numbers: set[int]) -> tuple[str, "asyncio.Future[int]"]:
    """Let an entity in one of these partitions begin a turn whose COMMIT waits; return its key, and the ask."""
    key = next(key for key in KEYS if house.streams.number_of("counter", key) in numbers)
    house.store.open.clear()
    asked = asyncio.ensure_future(asker.add(key))
    while not house.system.statistics()["kinds"]["counter"]["turns"]:
        await asyncio.sleep(0.01)
    return key, asked


async def test_a_turn_that_outlives_the_patience_of_a_house_that_leaves_keeps_its_partition_until_that_has_stopped(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logic, "LEAVE_SECONDS", 0.5)
    one, two = await settled_pair(build)
    key, asked = await begin_a_turn(one, two, one.owned)
    await one.placement.leave()
    await asyncio.sleep(2 * logic.LOOK_SECONDS)
    assert set(range(256)) - two.owned == {one.streams.number_of("counter", key)}, "it may still write"
    one.store.open.set()
    assert await asked == 1
    await one.stop()
    await until_shared([two], 2 * logic.LOOK_SECONDS)


async def test_a_turn_that_takes_long_keeps_its_partition_while_all_else_is_handed_over(build: Build) -> None:
    one = await build("one")
    await until_shared([one], 1)
    wanted = share(256, [one.row.id, one.row.id + 1])
    going = sorted(number for number, house in wanted.items() if house != one.row.id)
    key, asked = await begin_a_turn(one, one, set(going[:10]))
    two = await build("two")
    while len(two.owned) < 9:
        await asyncio.sleep(0.05)
    with pytest.raises(TimedOut):
        await asked
    await asyncio.sleep(5)
    assert one.streams.number_of("counter", key) not in two.owned, "it may still write"
    one.store.open.set()
    await until_settled([one, two], 15)
    assert await two.get(key) == 1


async def test_what_a_dead_house_owned_is_taken_over_within_12_seconds(build: Build, store: Store) -> None:
    one, two = await settled_pair(build)
    await asyncio.gather(*(two.add(key) for key in KEYS))
    began = time.monotonic()
    await one.kill()
    await until_shared([two], 13)
    took = time.monotonic() - began
    values = await asyncio.gather(*(two.add(key) for key in KEYS))

    assert took < 12, took
    assert set(values) == {2}
    assert two.placement.buried == 1


def test_a_take_over_takes_10_seconds_at_most_and_a_house_may_stand_still_for_7() -> None:
    assert storage_house.LEASE_SECONDS + logic.LOOK_SECONDS <= 12 - 2, "two seconds are left for a busy machine"
    assert storage_house.LEASE_SECONDS - storage_house._RENEW_SECONDS >= 7, "nobody may bury a house that only was slow"
    lost = storage_house._RENEW_SECONDS + storage_house._ANSWER_SECONDS
    assert lost + 2 <= storage_house.LEASE_SECONDS - storage_house.MARGIN_SECONDS, "one answer may get lost"


async def test_a_house_that_starts_anew_under_its_name_ends_the_earlier_one_at_once(build: Build) -> None:
    one, two = await settled_pair(build)
    share_of_one = one.owned
    await one.kill()
    again = await build("one")
    await until_shared([again, two], 1.5)
    assert again.owned == share_of_one, "and nothing else has moved"


@pytest.mark.usefixtures("short_lease")
async def test_a_house_that_cannot_renew_stops_its_own_actors_before_the_lease_ends(build: Build) -> None:
    house = await build("one")
    await until_shared([house], 1)
    assert house.row._connection is not None
    house.row._dsn, dsn = "postgresql://127.0.0.1:1/none", house.row._dsn
    house.row._connection.terminate()
    connection = await asyncpg.connect(dsn)
    while house.owned:
        await asyncio.sleep(0.01)
    left = await connection.fetchval(
        "select extract(epoch from lease_expires_at - clock_timestamp())::float from house"
    )
    assert 0 < left < 0.8, "it gave up before the end, and not much earlier"
    with pytest.raises(DomainError):
        await house.add("k")

    house.row._dsn = dsn
    await until_shared([house], 3)
    assert await house.add("k2") == 1
    assert await connection.fetchval("select min(epoch) from partition") == 2, "what was given up is claimed anew"
    await connection.close()


@pytest.mark.usefixtures("short_lease")
async def test_a_house_that_was_declared_dead_owns_and_claims_nothing(build: Build) -> None:
    one, two = await settled_pair(build)
    lost = asyncio.Event()
    one.row.on_lost = lost.set
    assert await PlacementStore(two.database, two.row).bury(one.row.incarnation) is False, "its lease is good"
    connection = await asyncpg.connect(two.dsn)
    await connection.execute("update house set lease_expires_at = clock_timestamp() where name = 'one'")
    assert await PlacementStore(two.database, two.row).bury(one.row.incarnation) or two.placement.buried
    with pytest.raises(Fenced):
        await PlacementStore(one.database, one.row).claim([0, 1, 2])
    await asyncio.wait_for(lost.wait(), 3)
    await until_shared([two], 3)
    assert one.owned == set()
    await connection.close()


async def pair_with_suspect(build: Build) -> tuple[Homestead, Homestead]:
    """A house that owns everything, and one that it has seen start so often that it is suspicious."""
    watcher = await build("one")
    await until_shared([watcher], 1)
    for start in range(1, logic.JOINS + 1):
        house = await build("two")
        seen = watcher.placement._starts
        while house.row.id not in seen or seen[house.row.id][-1][0] != house.row.incarnation:
            await asyncio.sleep(0.01)
        if start < logic.JOINS:
            await house.stop()
    return watcher, house


@pytest.mark.usefixtures("short_lease")
async def test_a_house_that_starts_again_and_again_gets_nothing_of_the_living_but_what_is_nobodys(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logic, "STEADY_SECONDS", 0.5)
    one, two = await pair_with_suspect(build)
    await asyncio.sleep(logic.STEADY_SECONDS + 2 * logic.LOOK_SECONDS)
    assert (len(one.owned), len(two.owned)) == (256, 0), "it may be gone again in a moment"

    await one.kill()
    await until_shared([two], 8)


@pytest.mark.usefixtures("short_lease")
async def test_a_house_that_has_not_started_for_a_minute_gets_its_share(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logic, "STEADY_SECONDS", 0.5)
    one, two = await pair_with_suspect(build)
    monkeypatch.setattr(logic, "JOINS_SECONDS", 0.1)
    await until_settled([one, two], 12)


async def test_many_houses_that_start_together_share_without_a_quarrel(build: Build) -> None:
    houses = await asyncio.gather(*(build(f"h{number}") for number in range(4)))
    await until_settled(houses, 12)
    assert sorted(await asyncio.gather(*(houses[index % 4].add(key) for index, key in enumerate(KEYS)))) == [1] * 200
