"""A house that alone cannot reach what carries mail lets others have its partitions; when nobody can, nobody does."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from actors.runtime.placement import placement as logic
from storage.house import LEASE_SECONDS, House
from tests.forwarder import Forwarder, forwarding
from tests.placement.conftest import Build
from tests.placement.homestead import KEYS, Homestead, are_settled, until_settled, until_shared

NOTICED_SECONDS = 12.0
BACK_SECONDS = 15.0


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[Forwarder]:
    """A way to Redis that can be cut."""
    async with forwarding(urlsplit(redis_url).port or 0) as made:
        yield made


def through(wire: Forwarder, url: str) -> str:
    """The same Redis over the wire."""
    return url.replace(f":{urlsplit(url).port}/", f":{wire.port}/")


async def epochs(house: Homestead) -> list[int]:
    return [seen.epoch for seen in await house.placement._rows.list_partitions()]


async def test_a_house_that_alone_reaches_no_mail_hands_everything_over_and_gets_its_share_back(
    build: Build, wire: Forwarder, redis_url: str
) -> None:
    deaf, well = await asyncio.gather(build("deaf", through(wire, redis_url)), build("well"))
    await until_settled([deaf, well], BACK_SECONDS)
    await asyncio.gather(*(well.add(key) for key in KEYS))
    wire.cut()
    await until_shared([well], NOTICED_SECONDS)
    assert deaf.owned == set()
    assert not deaf.placement.has_looked, "no clients should be sent to it"
    assert set(await asyncio.gather(*(well.add(key) for key in KEYS))) == {2}
    assert deaf.placement.lapses == 0 and well.placement.buried == 0, "it lives, and knows what it does"

    wire.is_open = True
    await until_settled([deaf, well], BACK_SECONDS)
    assert deaf.placement.has_looked
    assert set(await asyncio.gather(*(deaf.add(key) for key in KEYS))) == {3}


async def test_while_nobody_reaches_mail_nobody_gives_anything_up(
    build: Build, wire: Forwarder, redis_url: str
) -> None:
    url = through(wire, redis_url)
    houses = await asyncio.gather(build("one", url), build("two", url))
    await until_settled(houses, BACK_SECONDS)
    before = await epochs(houses[0])
    wire.cut()
    for _ in range(30):
        await asyncio.sleep((logic.DEAF_SECONDS + 6) / 30)
        assert are_settled(houses) and all(house.placement.has_looked for house in houses)
    wire.is_open = True
    await asyncio.sleep(4.0)  # each finds out in its own time
    assert are_settled(houses)
    assert await epochs(houses[0]) == before


async def test_a_house_that_starts_while_nobody_reaches_mail_makes_nobody_deaf(
    build: Build, wire: Forwarder, redis_url: str, database_dsn: str
) -> None:
    url = through(wire, redis_url)
    one, two = await asyncio.gather(build("one", url), build("two", url))
    await until_settled([one, two], BACK_SECONDS)
    share_of_one = one.owned
    wire.cut()
    await asyncio.sleep(logic.DEAF_SECONDS + 2)
    await two.kill()
    starting = await House.claim(database_dsn, "two", alone=False)  # it finds no Redis, and so gets no further
    for _ in range(30):
        await asyncio.sleep(LEASE_SECONDS / 30)
        assert one.owned >= share_of_one and one.placement.has_looked
    await starting.release()


async def test_while_nobody_reaches_mail_no_hand_over_begins(
    build: Build, wire: Forwarder, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logic, "STEADY_SECONDS", 6.0)  # time for both to find out that it is away
    url = through(wire, redis_url)
    one = await build("one", url)
    await until_shared([one], 1)
    two = await build("two", url)
    wire.cut()
    while any(house.streams.failed_seconds_ago() is None for house in (one, two)):
        assert len(one.owned) == 256, "not so soon"
        await asyncio.sleep(0.05)
    for _ in range(30):
        await asyncio.sleep((logic.STEADY_SECONDS + 4 * logic.LOOK_SECONDS) / 30)
        assert len(one.owned) == 256 and one.placement.handed_over == 0
    assert set(one.placement.living) == {one.row.id, two.row.id}, "it knows who should have a share"
    assert await one.add("k") == 1, "what lives here goes on"
    wire.is_open = True
    await until_settled([one, two], BACK_SECONDS)


async def test_a_house_that_has_not_tried_is_not_deaf(build: Build) -> None:
    one, two = await asyncio.gather(build("one"), build("two"))
    await until_settled([one, two], BACK_SECONDS)
    before = await epochs(one)
    one.row.heard_seconds_ago = lambda: 2 * logic.DEAF_SECONDS  # as after it was stopped for so long
    await asyncio.sleep(5.0)
    assert two.placement.living == (two.row.id,), "in the other one's eyes it may be"
    assert are_settled([one, two]) and one.placement.has_looked
    assert await epochs(one) == before
