"""Follows: who follows whom, and figures that are exact whatever happens at once."""

import asyncio
import random
from contextlib import suppress

import pytest

from actors.errors import Conflict, InvalidRequest, NotFound
from actors.messages.profile import BlockPerson, FollowPerson, ListFollowers, UnblockPerson, UnfollowPerson
from actors.runtime.message import Caller
from tests.notification.house import until
from tests.profile.house import ProfileHouse
from tests.system.house import Person


async def test_each_sees_the_follow_from_their_side(house: ProfileHouse, ada: Person, ben: Person, cyd: Person) -> None:
    await house.put(ben, "ada/follow")
    assert await house.relation(ben, "ada") == {"is_following"}
    assert await house.relation(ada, "ben") == {"is_followed_by"}
    assert await house.relation(cyd, "ada") == set()
    assert (await house.counts(cyd, "ada"), await house.counts(cyd, "ben")) == ((1, 0), (0, 1))

    await house.put(ada, "ben/follow")
    mutual = {"is_following", "is_followed_by", "is_mutual"}
    assert await house.relation(ben, "ada") == await house.relation(ada, "ben") == mutual

    await house.end(ben, "ada/follow")
    assert await house.relation(ben, "ada") == {"is_followed_by"}
    assert (await house.counts(cyd, "ada"), await house.counts(cyd, "ben")) == ((0, 1), (1, 0))


async def test_repeated_is_no_change_and_no_event(house: ProfileHouse, ada: Person, ben: Person) -> None:
    for _ in range(3):
        await house.put(ben, "ada/follow")
    assert await house.counts(ben, "ada") == (1, 0)
    for _ in range(3):
        await house.end(ben, "ada/follow")
    assert await house.counts(ben, "ada") == (0, 0)
    assert await house.told(ben) == [(1, "followed"), (2, "unfollowed")]
    assert await house.told(ada) == []


async def test_nobody_follows_or_blocks_themselves(house: ProfileHouse, ada: Person) -> None:
    for path in ("ada/follow", "ADA/block"):
        problem = await house.put(ada, path, expect=400)
        assert (problem["code"], problem["errors"][0]["path"]) == ("invalid_request", "$.username")
    await house.end(ada, "ada/follow")
    assert await house.counts(ada, "ada") == (0, 0)


async def test_a_new_follower_is_a_notification(house: ProfileHouse, ada: Person, ben: Person) -> None:
    await house.put(ben, "ada/follow")
    call = house.served.call
    path = "/notifications?type=follow"
    await until(lambda: house.sql("select from notification where type = 'follow'"))

    [entry] = (await call("GET", path, ada.token))["items"]
    assert (entry["title"], entry["data"]) == ("Ben follows you", {"username": "Ben"})
    assert (await call("GET", path, ben.token))["items"] == []


async def test_lists_are_newest_first_and_stable_while_followers_come(house: ProfileHouse, ada: Person) -> None:
    crowd = await house.crowd(7)
    for person in crowd[:6]:
        await house.ask(FollowPerson(username="ada"), person)
    first = await house.get(ada, "ada/followers?limit=2")
    await house.ask(FollowPerson(username="ada"), crowd[6])

    seen, cursor, sizes = list(first["items"]), first["next_cursor"], []
    while cursor is not None:
        page = await house.get(ada, f"ada/followers?limit=3&cursor={cursor}")
        seen, cursor = [*seen, *page["items"]], page["next_cursor"]
        sizes.append(len(page["items"]))

    assert ([person["username"] for person in seen], sizes) == ([f"p{n}_" for n in (6, 5, 4, 3, 2, 1)], [3, 1])
    assert seen[0]["relation"]["is_followed_by"] and seen[0]["since"].endswith("Z")
    assert (await house.get(ada, "ada/following"))["items"] == []
    [followed] = (await house.get(ada, "p1_/following"))["items"]
    assert (followed["id"], followed["display_name"]) == (ada.id, "ada")
    assert (await house.get(ada, "ada/followers?cursor=nonsense", expect=400))["errors"][0]["path"] == "$.cursor"


async def test_a_hundred_people_at_once_are_counted_exactly(house: ProfileHouse, ada: Person) -> None:
    crowd = await house.crowd(100)
    follow, unfollow = FollowPerson(username="ada"), UnfollowPerson(username="ADA")
    await asyncio.gather(*(house.ask(follow, person) for person in crowd for _ in range(2)))
    assert await house.counts(ada, "ada") == (100, 0)

    await asyncio.gather(*(house.ask(wish, one) for one in crowd[:50] for wish in (unfollow, follow, unfollow)))
    assert await house.counts(ada, "ada") == (50, 0)
    page = await house.ask(ListFollowers(username="ada", limit=100), crowd[0])
    assert {person.id for person in page.items} == {person.user_id for person in crowd[50:]}


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_ten_people_want_of_each_other_at_once_adds_up(house: ProfileHouse, seed: int) -> None:
    chance, crowd = random.Random(seed), await house.crowd(10)
    names = {person.user_id: f"p{n}_" for n, person in enumerate(crowd, 1)}
    kinds = [FollowPerson] * 5 + [UnfollowPerson] * 2 + [BlockPerson, UnblockPerson]

    async def want(person: Caller) -> None:
        for _ in range(20):
            wish = chance.choice(kinds)(username=chance.choice(list(names.values())))
            with suppress(NotFound, Conflict, InvalidRequest):
                await house.ask(wish, person)

    gone = chance.choice(crowd)
    await asyncio.gather(*map(want, crowd), house.sql("delete from account where id = $1", gone.user_id))
    assert await house.differences() == []
    assert await house.sql("select from event where type = 'profile.unfollowed'")


async def test_the_same_turn_that_comes_again_takes_effect_once(house: ProfileHouse, ada: Person) -> None:
    [ben] = await house.crowd(1)
    await house.ask(FollowPerson(username="ada"), ben, cause="wish")
    await house.ask(UnfollowPerson(username="ada"), ben, cause="another")
    await house.ask(FollowPerson(username="ada"), ben, cause="wish")
    assert await house.counts(ada, "ada") == (0, 0)


async def test_the_end_of_an_account_ends_its_follows(house: ProfileHouse, ada: Person, ben: Person) -> None:
    crowd = await house.crowd(20)
    await asyncio.gather(*(house.ask(FollowPerson(username=name), one) for one in crowd for name in ("ada", "ben")))
    await house.put(ada, "ben/follow")
    await house.put(ben, "ada/follow")
    outcomes = await asyncio.gather(
        house.served.call("DELETE", "/users/me", ben.token, expect=204),
        *(house.ask(UnfollowPerson(username="ada"), person) for person in crowd[:5]),
        *(house.ask(UnfollowPerson(username="ben"), person) for person in crowd[5:10]),
        return_exceptions=True,
    )
    assert all(outcome is None or isinstance(outcome, NotFound) for outcome in outcomes)
    assert await house.counts(ada, "ada") == (15, 0)
    assert await house.sql("select from follow where followed_id = $1 or follower_id = $1", ben.id) == []


async def test_a_wrong_figure_is_found(house: ProfileHouse, ada: Person, ben: Person) -> None:
    await house.put(ben, "ada/follow")
    await house.sql("update standing set followers = followers + 1 where user_id = $1", ada.id)
    [found] = await house.differences()
    assert (found.stream, found.what) == (f"ties:{ada.id}", "2 followers are kept, 1 are there")
    await house.sql("update standing set followers = 1, n = 1 where user_id = $1", ada.id)
    [found] = await house.differences()
    assert found.what == "1 n are kept, 0 are there"
    await house.sql("update standing set n = 0 where user_id = $1", ada.id)
    await house.sql("insert into block values ($1, $2, now())", ben.id, ada.id)
    [found] = await house.differences()
    assert found.what == "1 follow in spite of a block"
    await house.sql("delete from block")
