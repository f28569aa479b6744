"""Whole houses over one database and one Redis: an entity lives in one of them, and every house reaches it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.many.house import ManyHouses, open_house, until
from tests.system.house import ServedHouse


async def owned(house: ServedHouse) -> set[int]:
    return {mine.number for mine in streams(house).parts.owned if mine is not None and mine.is_open}


def streams(house: ServedHouse) -> Any:
    return house.house._core.mailboxes.transport


async def settled(*houses: ServedHouse) -> None:
    """Wait until everything is owned, and evenly."""

    async def is_so() -> bool:
        sizes = [len(await owned(house)) for house in houses]
        return sum(sizes) == 256 and max(sizes) < 256 / len(houses) * 1.3

    await until(is_so, 15)


async def test_a_chat_lives_in_one_house_and_both_write_to_it_in_order(houses: ManyHouses) -> None:
    one, two = houses[0], houses[1]
    await settled(one, two)
    ada, ben = await one.person("ada"), await two.person("ben")
    for number in range(4):
        wish = {"kind": "group", "name": f"g{number}", "members": [ben.id]}
        chat = (await one.call("POST", "/chats", ada.token, wish, expect=201))["id"]
        seqs = []
        for house, person in [(one, ada), (two, ben)] * 5:
            said = await house.call("POST", f"/chats/{chat}/messages", person.token, {"content": "hi"}, expect=201)
            seqs.append(said["seq"])
        assert seqs == list(range(1, 11))
        active = [house for house in houses.houses if chat in house.house._core.system._offices["chat"].cells]
        assert len(active) == 1
    assert streams(one).parts.asked.number and streams(two).parts.asked.number, "something has crossed"


async def test_passwords_do_not_lie_in_redis(houses: ManyHouses, redis_url: str) -> None:

    one = houses[0]
    await settled(one, houses[1])
    client, seen = Redis.from_url(redis_url), list[str]()

    async def watch() -> None:
        async with client.monitor() as monitor:
            async for command in monitor.listen():
                seen.append(command["command"])

    watching = asyncio.create_task(watch())
    await until(lambda: asyncio.sleep(0, bool(seen)))
    for number in range(6):
        person = await one.person(f"person{number}")
        change = {"current": "correct horse", "new": "battery staple"}
        await one.call("PUT", "/users/me/password", person.token, change)
    rows = await one.sql("select password_hash from credential")
    await asyncio.sleep(0.1)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await client.aclose()
    assert any("SetPassword" in data for data in seen), "the test has seen what it is about"
    assert all(row["password_hash"].startswith("$argon2") for row in rows)
    assert not [data for data in seen if "argon2" in data or "staple" in data]


@pytest.mark.parametrize("leaves", [0, 1])
async def test_a_house_stops_in_order_and_the_other_goes_on_with_everything(
    database_dsn: str, redis_url: str, data_folder: Path, leaves: int
) -> None:
    async with open_house(database_dsn, redis_url, data_folder, "stays") as stays:
        async with open_house(database_dsn, redis_url, data_folder, "leaves") as other:
            await settled(stays, other)
            people = [await (stays, other)[number % 2].person(f"person{number}") for number in range(10)]
            if leaves:
                other.house.close()
        for number, person in enumerate(people):
            me = await stays.call("GET", f"/users/{person.id}", person.token)
            assert me["username"] == f"person{number}"
        assert len(await owned(stays)) == 256


async def test_administrators_see_who_owns_what(houses: ManyHouses) -> None:
    one, two = houses[0], houses[1]
    one.admin = two.admin = await one.person("root", "super_admin")
    await settled(one, two)
    await asyncio.sleep(2.2)
    for house in (one, two):
        items = (await house.system("/houses"))["items"]
        assert [item["name"] for item in items] == ["house-0", "house-1"]
        assert [item["partitions"] for item in items] == [len(await owned(each)) for each in (one, two)]
        assert sum(item["hand_overs"] for item in items) > 50
        assert all(item["alive"] and item["lag"] == 0 for item in items)
    assert (await two.system("/actors"))["house"] == "house-1"
    async with two.http.get("/metrics") as answer:
        text = await answer.text()
    assert f"mail_open {float(len(await owned(two)))}" in text
    async with two.http.get("/ready") as answer:
        assert (await answer.json())["checks"]["placement"] == "ok"
