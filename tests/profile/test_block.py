"""Blocks: who is blocked neither follows nor sees, and both directions end at the same moment."""

import asyncio
from typing import Any

from actors.messages.profile import BlockPerson, FollowPerson
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from tests.profile.house import ProfileHouse
from tests.system.house import Person


async def test_blocking_ends_both_follows_at_once(house: ProfileHouse, ada: Person, ben: Person, cyd: Person) -> None:
    await house.put(ada, "ben/follow")
    await house.put(ben, "ada/follow")
    await house.put(ada, "ben/block")
    await house.put(ada, "ben/block")

    assert await house.counts(cyd, "ada") == await house.counts(cyd, "ben") == (0, 0)
    assert await house.relation(ada, "ben") == {"is_blocked"}
    assert await house.told(ada) == [(1, "followed"), (2, "blocked"), (3, "unfollowed")]
    assert await house.told(ben) == [(1, "followed"), (2, "unfollowed")]
    causes = await house.sql("select distinct cause from event where n >= 2 and stream like 'ties:%'")
    assert len(causes) == 1


async def test_who_is_blocked_finds_nobody(house: ProfileHouse, ada: Person, ben: Person, cyd: Person) -> None:
    await house.put(ada, "cyd/follow")
    await house.put(cyd, "ada/follow")
    await house.put(ada, "ben/block")

    for path in ("ada", "ada/followers", "ada/following"):
        assert (await house.get(ben, path, expect=404))["code"] == "not_found"
    for path in ("ada/follow", "ada/block"):
        await house.put(ben, path, expect=404)
        await house.end(ben, path, expect=404)
    for path in ("cyd/followers", "cyd/following"):
        assert (await house.get(ben, path))["items"] == []
        [seen] = (await house.get(ada, path))["items"]
        assert seen["username"] == "ada"
    assert (await house.get(cyd, "ben"))["username"] == "Ben"


async def test_who_is_blocked_sees_no_account_either(
    house: ProfileHouse, ada: Person, ben: Person, cyd: Person
) -> None:
    await house.put(ada, "ben/block")
    path = f"/users/{ada.id}"

    async def look(path: str, person: Person, expect: int = 200) -> Any:
        return await house.served.call("GET", path, person.token, expect=expect)

    assert (await look(path, ben, expect=404))["detail"] == "no such user"
    assert (await look(f"/users/{uuid7()}", ben, expect=404))["detail"] == "no such user"
    assert (await look(path, cyd)).keys() == {"id", "username", "avatar", "courier_level"}
    assert (await look(path, ada))["email"]
    assert (await look(path, house.served.admin))["username"].lower() == "ada"
    await house.end(ada, "ben/block")
    assert (await look(path, ben))["id"] == ada.id


async def test_administrators_see_everybody(house: ProfileHouse, ada: Person) -> None:
    await house.put(ada, "root/block")
    assert (await house.get(house.served.admin, "ada"))["username"] == "ada"


async def test_who_blocks_must_not_follow(house: ProfileHouse, ada: Person, ben: Person) -> None:
    await house.put(ada, "ben/block")
    assert (await house.put(ada, "ben/follow", expect=409))["code"] == "conflict"
    await house.end(ada, "ben/block")
    await house.end(ada, "ben/block")
    assert await house.relation(ada, "ben") == set()
    await house.put(ada, "ben/follow")
    await house.get(ben, "ada")
    assert await house.told(ada) == [(1, "blocked"), (2, "unblocked"), (3, "followed")]


async def test_a_block_of_ones_own_can_be_lifted_by_whoever_is_blocked(
    house: ProfileHouse, ada: Person, ben: Person
) -> None:
    await house.put(ada, "ben/block")
    await house.sql("insert into block values ($1, $2, now())", ben.id, ada.id)  # as from a moment before
    await house.end(ben, "ada/block")
    await house.end(ada, "ben/block")
    assert await house.sql("select from block") == []


async def test_a_follow_slips_past_no_block(house: ProfileHouse, ada: Person) -> None:
    caller, crowd = Caller(user_id=ada.id, role="user"), await house.crowd(40)
    await asyncio.gather(
        *(house.ask(FollowPerson(username="ada"), person) for person in crowd),
        *(house.ask(BlockPerson(username=f"p{n}_"), caller) for n in range(1, 41)),
        return_exceptions=True,
    )
    assert await house.counts(ada, "ada") == (0, 0)
    assert await house.sql("select from follow") == []


async def test_the_end_of_an_account_ends_its_blocks(house: ProfileHouse, ada: Person, ben: Person) -> None:
    await house.put(ada, "ben/block")
    await house.served.call("DELETE", "/users/me", ada.token, expect=204)
    assert await house.sql("select from block") == []
    await house.get(ben, "ada", expect=404)
