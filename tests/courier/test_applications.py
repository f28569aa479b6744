"""To become a courier, and to be promoted: who decides, and when nobody needs to."""

import asyncio
from typing import Any

from tests.courier.house import Chain, CourierHouse
from tests.system.house import Person

SMALL = {"prefixes": ["PK5F"], "max_daily_tasks": 15, "weekly_hours": 20, "reason": "I live here"}
LARGE = {**SMALL, "max_daily_tasks": 16}


async def apply(house: CourierHouse, person: Person, body: Any, *, expect: int = 201) -> Any:
    return await house.post(person, "/couriers/applications", body, expect=expect)


async def test_whoever_asks_for_little_is_admitted_by_the_house(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    made = await apply(post_house, ada, SMALL)

    assert (made["status"], made["decided_by"], made["kind"]) == ("approved", None, "entry")
    me = await post_house.get(ada, "/couriers/me")
    assert (me["status"], me["level"], me["parent_id"], me["max_daily_tasks"]) == ("active", 1, chain.area.id, 15)


async def test_whoever_asks_for_more_waits_for_a_courier_of_level_two(
    post_house: CourierHouse, chain: Chain, ada: Person, ben: Person
) -> None:
    for body in (LARGE, {**SMALL, "weekly_hours": 21}):
        person = ada if body is LARGE else ben
        assert (await apply(post_house, person, body))["status"] == "pending"
        assert await post_house.status(person) == ("pending", 1, ["PK5F"])
    again = await apply(post_house, ada, SMALL, expect=409)
    assert (again["from"], again["to"]) == ("pending", "active")

    waiting = (await post_house.get(chain.area, "/couriers/applications?status=pending"))["items"]
    assert {one["user_id"] for one in waiting} == {ada.id, ben.id}
    first, second = waiting
    yes = await post_house.post(chain.area, f"/couriers/applications/{first['id']}/approve", {"prefixes": ["PK5F3"]})
    no = await post_house.post(chain.area, f"/couriers/applications/{second['id']}/reject", {"reason": "too many"})

    assert (yes["status"], yes["decided_by"], no["status"], no["note"]) == (
        "approved", chain.area.id, "rejected", "too many"
    )  # fmt: skip
    people = {ada.id: ada, ben.id: ben}
    assert await post_house.status(people[first["user_id"]]) == ("active", 1, ["PK5F3"])
    assert await post_house.status(people[second["user_id"]]) == ("rejected", 1, ["PK5F"])
    assert (await apply(post_house, people[second["user_id"]], SMALL))["status"] == "approved", (
        "who was refused may ask"
    )


async def test_only_who_decides_and_who_asks_see_an_application(
    post_house: CourierHouse, chain: Chain, ada: Person, ben: Person
) -> None:
    other = await post_house.person("other")
    await post_house.appoint(chain.school, other, 2, "PK6A")
    path = f"/couriers/applications/{(await apply(post_house, ada, LARGE))['id']}"

    for person, expect in ((ben, 404), (chain.building, 404), (other, 404), (chain.school, 404), (ada, 403)):
        await post_house.post(person, f"{path}/approve", {}, expect=expect)
        await post_house.post(person, f"{path}/reject", {"reason": "no"}, expect=expect)
    for person, expect in ((ben, 404), (chain.building, 404), (other, 404), (ada, 200), (chain.area, 200)):
        await post_house.get(person, path, expect=expect)
        seen = (await post_house.get(person, "/couriers/applications"))["items"]
        assert [one["user_id"] for one in seen if one["user_id"] == ada.id] == ([ada.id] if expect == 200 else [])
    await post_house.post(chain.area, f"{path}/approve", {"prefixes": ["AB7C"]}, expect=403)
    await post_house.post(chain.area, f"{path}/reject", {"reason": ""}, expect=400)
    await post_house.post(chain.area, f"{path}/approve", {})


async def test_a_decision_stands_and_the_same_again_changes_nothing(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    path = f"/couriers/applications/{(await apply(post_house, ada, LARGE))['id']}"
    first = await post_house.post(chain.area, f"{path}/approve", {})
    assert await post_house.post(chain.area, f"{path}/approve", {}) == first
    refused = await post_house.post(chain.area, f"{path}/reject", {"reason": "after all"}, expect=409)
    assert (refused["from"], refused["to"]) == ("approved", "rejected")
    assert await post_house.events(ada) == ["applied", "appointed"]


async def test_a_building_has_so_many_places_and_no_more_whatever_comes_at_once(
    post_house: CourierHouse, chain: Chain
) -> None:
    people = [await post_house.person(f"person{number}") for number in range(14)]

    made = await asyncio.gather(*(apply(post_house, person, SMALL) for person in people))

    approved = [one for one in made if one["status"] == "approved"]
    assert len(approved) == 9, "ten places, and one is taken by who was appointed"
    assert {one["status"] for one in made} == {"approved", "pending"}
    elsewhere = await post_house.person("elsewhere")
    assert (await apply(post_house, elsewhere, {**SMALL, "prefixes": ["PK6A"]}))["status"] == "approved"


async def test_what_cannot_be_asked_for(post_house: CourierHouse, chain: Chain, ada: Person) -> None:
    for body in (
        {**SMALL, "prefixes": []}, {**SMALL, "prefixes": [" "]}, {**SMALL, "prefixes": ["PK"]},
        {**SMALL, "prefixes": ["PK5F", "PK6A"]}, {**SMALL, "prefixes": ["ZZ9Z"]}, {**SMALL, "weekly_hours": 169},
        {**SMALL, "max_daily_tasks": -1}, {**SMALL, "transport": "car"}, {**SMALL, "level": 4},
        {**SMALL, "time_slots": [{"day": "mon", "from": "24:00", "to": "10:00"}]},
    ):  # fmt: skip
        await apply(post_house, ada, body, expect=400)
    for courier in (chain.building, chain.city):
        await apply(post_house, courier, SMALL, expect=409)
    await post_house.post(chain.school, f"/couriers/{chain.area.id}/suspend", {"reason": "rest"})
    await apply(post_house, chain.area, SMALL, expect=409)


async def test_the_same_key_applies_once(post_house: CourierHouse, ada: Person) -> None:
    first = await post_house.post(ada, "/couriers/applications", LARGE, expect=201, key="k")
    assert await post_house.post(ada, "/couriers/applications", LARGE, expect=201, key="k") == first


async def test_who_waits_can_be_appointed_and_the_application_is_settled(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    asked = await apply(post_house, ada, LARGE)
    await post_house.appoint(chain.area, ada, 1, "PK6A")
    settled = await post_house.get(ada, f"/couriers/applications/{asked['id']}")
    assert (settled["status"], settled["decided_by"]) == ("approved", chain.area.id)
    assert await post_house.status(ada) == ("active", 1, ["PK6A"])


async def earn(house: CourierHouse, person: Person, deliveries: int, days: int) -> None:
    await house.sql("update courier_load set delivered = $2 where user_id = $1", person.id, deliveries)
    await house.sql(
        "insert into courier_day (user_id, day, delivered) select $1, date '2026-01-01' + i, $2 / $3 + "
        "case when i = 1 then $2 % $3 else 0 end from generate_series(1, $3) i", person.id, deliveries, days,
    )  # fmt: skip


async def promote(house: CourierHouse, person: Person, *, expect: int = 201) -> Any:
    return await house.post(person, f"/couriers/{person.id}/promote", {"reason": "ready"}, expect=expect)


async def test_a_promotion_asks_for_its_thresholds_and_is_decided_two_levels_up(
    post_house: CourierHouse, chain: Chain
) -> None:
    short = await promote(post_house, chain.building, expect=409)
    assert short["needs"] == {"deliveries": 10, "active_days": 7}
    assert short["has"] == {"deliveries": 0, "active_days": 0}
    await earn(post_house, chain.building, 10, 6)
    await promote(post_house, chain.building, expect=409)
    await post_house.sql("delete from courier_day")
    await earn(post_house, chain.building, 10, 7)
    progress = (await post_house.get(chain.building, f"/couriers/{chain.building.id}/stats"))["next_level"]
    assert progress["is_met"]

    asked = await promote(post_house, chain.building)
    assert (asked["kind"], asked["level"], asked["prefixes"]) == ("promotion", 2, ["PK5F"])
    waits = await promote(post_house, chain.building, expect=409)
    assert waits["application_id"] == asked["id"]
    path = f"/couriers/applications/{asked['id']}/approve"
    for nobody, expect in ((chain.area, 404), (chain.city, 404), (chain.building, 403)):
        await post_house.post(nobody, path, {}, expect=expect)
    assert (await post_house.post(chain.school, path, {}))["status"] == "approved"

    me = await post_house.get(chain.building, "/couriers/me")
    assert (me["level"], me["prefixes"], me["parent_id"]) == (2, ["PK5F"], chain.school.id)
    assert await post_house.events(chain.building) == ["appointed", "applied", "promoted"]


async def test_whoever_led_three_is_promoted_and_goes_on_leading_them(post_house: CourierHouse, chain: Chain) -> None:
    for number in range(2):
        await promote(post_house, chain.area, expect=409)
        await post_house.appoint(chain.area, await post_house.person(f"led{number}"), 1, "PK6A")
    asked = await promote(post_house, chain.area)
    await post_house.post(chain.city, f"/couriers/applications/{asked['id']}/approve", {})

    me = await post_house.get(chain.area, "/couriers/me")
    assert (me["level"], me["prefixes"], me["parent_id"]) == (3, ["PK"], chain.city.id)
    assert len((await post_house.get(chain.area, f"/couriers/{chain.area.id}/subordinates"))["items"]) == 3


async def test_level_four_is_decided_by_administrators_after_ninety_days(
    post_house: CourierHouse, chain: Chain
) -> None:
    short = await promote(post_house, chain.school, expect=409)
    assert (short["needs"], short["has"]) == ({"days": 90}, {"days": 0})
    await promote(post_house, chain.city, expect=409)
    asked_for_by_others = f"/couriers/{chain.school.id}/promote"
    await post_house.post(chain.city, asked_for_by_others, {}, expect=403)


async def test_a_refused_promotion_leaves_the_courier_as_they_were(post_house: CourierHouse, chain: Chain) -> None:
    await earn(post_house, chain.building, 10, 7)
    asked = await promote(post_house, chain.building)
    path = f"/couriers/applications/{asked['id']}/reject"
    await post_house.post(chain.school, path, {"reason": "not yet"})
    assert await post_house.status(chain.building) == ("active", 1, ["PK5F"])
    assert (await promote(post_house, chain.building))["status"] == "pending", "and may ask again"


async def test_who_is_suspended_is_not_promoted(post_house: CourierHouse, chain: Chain) -> None:
    await earn(post_house, chain.building, 10, 7)
    asked = await promote(post_house, chain.building)
    await post_house.post(chain.area, f"/couriers/{chain.building.id}/suspend", {"reason": "rest"})
    await post_house.post(chain.school, f"/couriers/applications/{asked['id']}/approve", {}, expect=409)
    await promote(post_house, chain.building, expect=409)


async def test_the_ranking_is_by_points_per_school_and_overall(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    for person, points in ((chain.building, 120), (chain.area, 600), (chain.city, 5)):
        await post_house.sql("update courier_load set points = $2 where user_id = $1", person.id, points)

    top = await post_house.get(ada, "/couriers/ranking?limit=2")
    rest = await post_house.get(ada, f"/couriers/ranking?cursor={top['next_cursor']}")
    school = await post_house.get(ada, "/couriers/ranking?school=ab")

    lines = [(one["place"], one["user"]["id"], one["points"], one["rank"]) for one in top["items"] + rest["items"]]
    assert lines == [
        (1, chain.area.id, 600, 4), (2, chain.building.id, 120, 2), (3, chain.city.id, 5, 1), (4, chain.school.id, 0, 1)
    ]  # fmt: skip
    assert [one["user"]["id"] for one in school["items"]] == [chain.city.id]
    await post_house.get(ada, "/couriers/ranking?school=PK5F", expect=400)


async def test_statistics_are_for_oneself_and_those_above(post_house: CourierHouse, chain: Chain, ada: Person) -> None:
    other = await post_house.person("other")
    await post_house.appoint(chain.city, other, 3, "PK")
    await earn(post_house, chain.building, 10, 7)
    path = f"/couriers/{chain.building.id}/stats?days=366"

    for person in (chain.building, chain.area, chain.school, chain.city, other, post_house.admin):
        stats = await post_house.get(person, path)
        assert (stats["active_days"], len(stats["days"]), stats["stats"]["delivered"]) == (7, 7, 10)
    await post_house.get(ada, path, expect=404)
    assert (await post_house.get(chain.building, path.replace("366", "1")))["days"] == []
