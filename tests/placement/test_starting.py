"""A house that starts: when the others count on it, and what they do meanwhile."""

import asyncio

import pytest

from actors.runtime.placement import placement as logic
from storage import house as storage_house
from tests.placement.conftest import Build
from tests.placement.homestead import KEYS, Homestead, are_settled, until_settled, until_shared
from tests.storage.things import ask

BUSY_SECONDS = 2.0  # left for a busy machine, as in docs/houses.md
QUICK_SECONDS = 4.0  # well within a lease, and several looks of the other


@pytest.fixture
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything about a lease in a third of its time."""
    for name in ("LEASE_SECONDS", "MARGIN_SECONDS", "_RENEW_SECONDS"):
        monkeypatch.setattr(storage_house, name, getattr(storage_house, name) / 3)


async def settled_pair(build: Build) -> tuple[Homestead, Homestead]:
    one, two = await asyncio.gather(build("one"), build("two"))
    await until_settled([one, two], 15)
    return one, two


async def epochs(house: Homestead) -> list[int]:
    return [seen.epoch for seen in await house.placement._rows.list_partitions()]


@pytest.mark.usefixtures("short_lease")
async def test_what_a_house_had_that_starts_slowly_is_taken_over_as_if_it_had_not_started(build: Build) -> None:
    one, two = await settled_pair(build)
    await asyncio.gather(*(two.add(key) for key in KEYS))
    await one.kill()
    starting = asyncio.create_task(build("one", start_seconds=10.0))
    took = await until_shared([two], storage_house.LEASE_SECONDS + logic.LOOK_SECONDS + BUSY_SECONDS)
    assert took > storage_house.LEASE_SECONDS - 2 * storage_house._RENEW_SECONDS, "its earlier life still counted"
    assert set(await asyncio.gather(*(two.add(key) for key in KEYS))) == {2}
    assert two.placement.living == (two.row.id,) and not starting.done()

    again = await starting
    await until_settled([again, two], 15)
    assert set(await asyncio.gather(*(again.add(key) for key in KEYS))) == {3}


async def test_a_house_that_starts_within_its_earlier_lease_gets_back_what_it_had_and_nothing_moves(
    build: Build,
) -> None:
    one, two = await settled_pair(build)
    before, share_of_one = await epochs(two), one.owned
    await one.kill()
    again = await build("one", start_seconds=QUICK_SECONDS)
    await until_shared([again, two], 1.5)
    assert again.owned == share_of_one
    after = [epoch + (number in share_of_one) for number, epoch in enumerate(before)]
    assert await epochs(two) == after, "nobody else has owned it meanwhile"


async def test_a_house_that_starts_for_the_first_time_gets_nothing_before_it_looks(build: Build) -> None:
    one = await build("one")
    await until_shared([one], 1)
    starting = asyncio.create_task(build("two", start_seconds=logic.STEADY_SECONDS + 3 * logic.LOOK_SECONDS))
    while not starting.done():
        assert len(one.owned) == 256 and not one.placement.has_neighbours
        await asyncio.sleep(0.05)
    await until_settled([one, await starting], 15)


async def test_houses_that_start_together_do_not_let_the_first_one_take_all(build: Build, database_dsn: str) -> None:
    starting = asyncio.create_task(build("two", start_seconds=1.0))
    while not await ask(database_dsn, "select from house"):
        await asyncio.sleep(0.01)
    one = await build("one")
    two = await starting
    await until_shared([one, two], 1.5)
    assert are_settled([one, two]) and set(await epochs(one)) == {1}
