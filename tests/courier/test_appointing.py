"""Exactly one level below, inside one's own territory; the tree stays a tree."""

import asyncio
from typing import Any

from tests.courier.house import Chain, CourierHouse
from tests.notification.house import until
from tests.system.house import Person


async def test_each_level_appoints_the_one_below_and_the_appointed_works_at_once(
    post_house: CourierHouse, chain: Chain
) -> None:
    building = await post_house.get(chain.building, "/couriers/me")

    assert await post_house.status(chain.city) == ("active", 4, ["AB", "PK"])
    assert await post_house.status(chain.school) == ("active", 3, ["PK"])
    assert await post_house.status(chain.area) == ("active", 2, ["PK5F", "PK6A"])
    assert (building["status"], building["level"], building["prefixes"]) == ("active", 1, ["PK5F"])
    assert building["parent_id"] == chain.area.id
    assert (building["rating"], building["points"], building["stats"]["rank"]) == (5.0, 0, 1)
    assert await post_house.events(chain.building) == ["appointed"]


async def test_nobody_skips_a_level_or_leaves_their_territory(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    for by, level, prefix in (
        (chain.city, 2, "PK5F"), (chain.city, 4, "PK"), (chain.school, 1, "PK5F"), (chain.school, 3, "PK"),
        (chain.area, 2, "PK5F"), (chain.building, 1, "PK5F"), (chain.school, 2, "AB7C"), (chain.area, 1, "AB7C"),
        (ada, 1, "PK5F"),
    ):  # fmt: skip
        await post_house.appoint(by, ada, level, prefix, expect=403)
    await post_house.get(ada, "/couriers/me", expect=404)


async def test_a_territory_is_named_and_known_and_fits_the_level(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    for level, prefixes in ((1, []), (1, [""]), (1, ["PK"]), (1, ["PK5F3D7"]), (2, ["PK5F", ""]), (3, ["PK", "AB"])):
        await post_house.appoint(post_house.admin, ada, level, *prefixes, expect=400)
    unknown = await post_house.appoint(post_house.admin, ada, 1, "PK5X", expect=400)
    assert unknown["errors"] == [{"path": "$.prefixes[0]", "message": "PK5X is not open"}]
    await post_house.post(post_house.admin, "/op-codes/areas", {"code": "PK0B", "name": "Zero"}, expect=201)
    alike = await post_house.appoint(post_house.admin, ada, 1, "pkob", expect=400)
    assert "did you mean PK0B" in alike["errors"][0]["message"]
    await post_house.appoint(chain.area, ada, 1, " pk 5f-3 ")
    assert await post_house.status(ada) == ("active", 1, ["PK5F3"])


async def test_whoever_does_not_exist_or_is_a_courier_is_not_appointed(post_house: CourierHouse, chain: Chain) -> None:
    nobody = Person("018f5d7e-0000-7000-8000-000000000000", "")
    await post_house.appoint(chain.area, nobody, 1, "PK5F", expect=404)
    again = await post_house.appoint(chain.area, chain.building, 1, "PK6A", expect=409)
    assert (again["from"], again["to"]) == ("active", "active")


async def test_a_suspended_courier_appoints_nobody(post_house: CourierHouse, chain: Chain, ada: Person) -> None:
    await post_house.post(chain.school, f"/couriers/{chain.area.id}/suspend", {"reason": "rest"})
    await post_house.appoint(chain.area, ada, 1, "PK5F", expect=403)


async def test_strangers_find_no_courier(post_house: CourierHouse, chain: Chain, ada: Person) -> None:
    path = f"/couriers/{chain.building.id}"
    for route in (path, f"{path}/subordinates", f"{path}/stats"):
        await post_house.get(ada, route, expect=404)
    await post_house.patch(ada, path, {"prefixes": ["PK5F"]}, expect=404)
    for action in ("suspend", "transfer", "promote"):
        body = {"reason": "mine"} | ({"parent_id": ada.id} if action == "transfer" else {})
        await post_house.post(ada, f"{path}/{action}", body, expect=404)
    await post_house.post(ada, f"{path}/resume", expect=404)
    for above in (chain.area, chain.school, chain.city, chain.building, post_house.admin):
        assert (await post_house.get(above, path))["user"]["id"] == chain.building.id
    assert (await post_house.get(chain.building, f"/couriers/{chain.area.id}"))["level"] == 2
    await post_house.get(chain.building, f"/couriers/{chain.school.id}", expect=404)


async def test_the_direct_parent_changes_a_territory_and_the_courier_their_times(
    post_house: CourierHouse, chain: Chain
) -> None:
    path = f"/couriers/{chain.building.id}"
    await post_house.patch(chain.building, path, {"prefixes": ["PK6A"]}, expect=403)
    await post_house.patch(chain.school, path, {"prefixes": ["PK6A"]}, expect=403)
    await post_house.patch(chain.area, path, {"prefixes": ["AB7C"]}, expect=403)
    await post_house.patch(chain.area, path, {"prefixes": []}, expect=400)
    changed = await post_house.patch(chain.area, path, {"prefixes": ["PK6A3"], "max_daily_tasks": 3})
    assert (changed["prefixes"], changed["max_daily_tasks"]) == (["PK6A3"], 3)
    slots = [{"day": "mon", "from": "08:00", "to": "10:00"}]
    mine = await post_house.patch(chain.building, path, {"transport": "ebike", "time_slots": slots})
    assert (mine["transport"], mine["time_slots"]) == ("ebike", slots)
    assert await post_house.events(chain.building) == ["appointed", "changed", "changed"]
    await post_house.patch(chain.area, path, {"max_daily_tasks": 3})
    assert len(await post_house.events(chain.building)) == 3, "what it is already costs no event"


async def test_a_territory_leaves_no_subordinate_outside(post_house: CourierHouse, chain: Chain) -> None:
    await post_house.patch(chain.school, f"/couriers/{chain.area.id}", {"prefixes": ["PK6A"]}, expect=409)
    assert await post_house.status(chain.area) == ("active", 2, ["PK5F", "PK6A"])


async def test_of_a_narrowed_territory_and_an_appointment_there_one_wins(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    async def narrow() -> Any:
        return await post_house.served.http.patch(
            f"/api/v1/couriers/{chain.area.id}", json={"prefixes": ["PK5F"]},
            headers={"Authorization": f"Bearer {chain.school.token}"},
        )  # fmt: skip

    async def appoint() -> Any:
        return await post_house.served.http.post(
            "/api/v1/couriers", json={"user_id": ada.id, "level": 1, "prefixes": ["PK6A"]},
            headers={"Authorization": f"Bearer {chain.area.token}"},
        )  # fmt: skip

    answers = [answer.status for answer in await asyncio.gather(narrow(), appoint())]

    assert answers in ([200, 403], [200, 409], [409, 201])
    tree = await post_house.sql(
        "select from courier x join courier p on p.user_id = x.parent_id where not covers_all(p.prefixes, x.prefixes)"
    )
    assert tree == []


async def test_a_transfer_goes_to_a_parent_of_the_right_level_who_holds_the_territory(
    post_house: CourierHouse, chain: Chain, ada: Person, ben: Person
) -> None:
    await post_house.appoint(chain.school, ada, 2, "PK5F")
    await post_house.appoint(chain.school, ben, 2, "PK6A")
    path = f"/couriers/{chain.building.id}/transfer"

    async def move(by: Person, to: str, expect: int) -> Any:
        return await post_house.post(by, path, {"parent_id": to, "reason": "closer"}, expect=expect)

    await move(chain.area, ben.id, 409)
    await move(chain.area, chain.school.id, 409)
    await move(chain.area, chain.building.id, 409)
    await move(chain.area, post_house.admin.id, 400)
    await move(chain.school, ada.id, 403)
    await post_house.post(chain.area, path, {"parent_id": ada.id, "reason": ""}, expect=400)
    assert (await move(chain.area, ada.id, 200))["parent_id"] == ada.id
    await move(chain.area, ada.id, 404)
    rows = await post_house.sql(
        "select body from event where stream = $1 and type = 'courier.transferred'", f"courier:{chain.building.id}"
    )
    assert '"reason":"closer"' in rows[0]["body"]


async def test_a_parent_cannot_go_below_their_own_subordinate(post_house: CourierHouse, chain: Chain) -> None:
    body = {"parent_id": chain.building.id, "reason": "round and round"}
    for whom in (chain.area, chain.school, chain.city):
        await post_house.post(post_house.admin, f"/couriers/{whom.id}/transfer", body, expect=409)


async def test_the_tree_is_listed_page_by_page(post_house: CourierHouse, chain: Chain, ada: Person) -> None:
    await post_house.appoint(chain.area, ada, 1, "PK6A")
    path = f"/couriers/{chain.city.id}/subordinates"

    direct = await post_house.get(chain.city, path)
    deep, cursor = [], ""
    while True:
        page = await post_house.get(chain.city, f"{path}?deep=true&limit=1{cursor}")
        deep += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert [one["user"]["id"] for one in direct["items"]] == [chain.school.id]
    assert [one["level"] for one in deep] == [3, 2, 1, 1]
    assert {one["user"]["id"] for one in deep[2:]} == {chain.building.id, ada.id}
    below = await post_house.get(chain.building, f"/couriers/{chain.building.id}/subordinates")
    assert below == {"items": [], "next_cursor": None}
    await post_house.get(chain.building, f"/couriers/{chain.area.id}/subordinates", expect=403)


async def test_everybody_sees_the_level_and_it_follows_what_happens(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    async def seen(level: int | None) -> bool:
        return bool((await post_house.get(ada, f"/users/{chain.building.id}"))["courier_level"] == level)

    await until(lambda: seen(1))
    await post_house.post(chain.city, f"/couriers/{chain.building.id}/suspend", {"reason": "rest"})
    await until(lambda: seen(None))
    await post_house.post(chain.area, f"/couriers/{chain.building.id}/resume")
    await until(lambda: seen(1))


async def test_permissions_know_couriers(post_house: CourierHouse, chain: Chain) -> None:
    async def may(person: Person, resource: str, action: str) -> Any:
        body = {"resource": resource, "action": action}
        return (await post_house.post(person, f"/users/{person.id}/check-permission", body))["allowed"]

    async def area_may() -> bool:
        return bool(await may(chain.area, "op_code", "manage"))

    await until(area_may)
    assert await may(chain.building, "courier", "create")
    assert not await may(chain.building, "op_code", "manage")
    assert not await may(chain.area, "label", "create")


async def test_the_same_key_appoints_once(post_house: CourierHouse, chain: Chain, ada: Person) -> None:
    body = {"user_id": ada.id, "level": 1, "prefixes": ["PK5F"]}
    first = await post_house.post(chain.area, "/couriers", body, expect=201, key="once")
    assert await post_house.post(chain.area, "/couriers", body, expect=201, key="once") == first
    assert await post_house.events(ada) == ["appointed"]


async def test_who_ends_their_account_is_no_courier_and_leaves_those_below_to_the_administrators(
    post_house: CourierHouse, chain: Chain
) -> None:
    await post_house.served.call("DELETE", "/users/me", chain.area.token, expect=204)
    await post_house.get(post_house.admin, f"/couriers/{chain.area.id}", expect=404)
    await post_house.patch(post_house.admin, f"/couriers/{chain.building.id}", {"max_daily_tasks": 2})
    assert await post_house.status(chain.building) == ("active", 1, ["PK5F"])
