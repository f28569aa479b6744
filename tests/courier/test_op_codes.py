"""Schools, areas and points: who opens and gives them, and who sees them whole."""

import asyncio
from typing import Any

from tests.courier.house import Chain, CourierHouse
from tests.system.house import Person

WISH = {"school": "PK", "area": "5F", "type": "dormitory", "name": "Room 312", "address": "Park Lane 5, room 312"}


async def apply(house: CourierHouse, person: Person, *, expect: int = 201, **more: Any) -> Any:
    return await house.post(person, "/op-codes/applications", {**WISH, **more}, expect=expect)


async def approve(house: CourierHouse, by: Person, made: Any, *, expect: int = 200, **more: Any) -> Any:
    return await house.post(by, f"/op-codes/applications/{made['id']}/approve", more, expect=expect)


async def test_each_level_opens_its_own_places_in_its_own_territory(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    async def school(by: Person, code: str, expect: int) -> None:
        await post_house.post(by, "/op-codes/schools", {"code": code, "name": "New"}, expect=expect)

    async def area(by: Person, code: str, expect: int) -> None:
        await post_house.post(by, "/op-codes/areas", {"code": code, "name": "New"}, expect=expect)

    for by in (chain.school, chain.area, chain.building, ada):
        await school(by, "CD", 403)
    await school(chain.city, "CD", 403)
    await post_house.patch(post_house.admin, f"/couriers/{chain.city.id}", {"prefixes": ["PK", "AB", "CD"]})
    await school(chain.city, " c-d ", 201)
    await school(chain.city, "CD", 409)
    await school(post_house.admin, "CDE", 400)
    for by in (chain.area, chain.building, ada):
        await area(by, "PK7A", 403)
    await area(chain.school, "AB7A", 403)
    await area(chain.school, "pk7a", 201)
    await area(chain.city, "CD1B", 201)
    await area(post_house.admin, "ZZ1B", 400)
    codes = [one["code"] for one in (await post_house.get(ada, "/op-codes/schools"))["items"]]
    assert codes == ["AB", "CD", "PK"]
    first = await post_house.get(ada, "/op-codes/areas?school=pk&limit=2")
    rest = await post_house.get(ada, f"/op-codes/areas?school=pk&cursor={first['next_cursor']}")
    assert [one["code"] for one in first["items"] + rest["items"]] == ["PK5F", "PK6A", "PK7A"]


async def test_the_same_key_opens_once(post_house: CourierHouse) -> None:
    body = {"code": "QQ", "name": "Quay"}
    first = await post_house.post(post_house.admin, "/op-codes/schools", body, expect=201, key="k")
    assert await post_house.post(post_house.admin, "/op-codes/schools", body, expect=201, key="k") == first


async def test_a_point_is_asked_for_given_and_found(
    post_house: CourierHouse, chain: Chain, ada: Person, ben: Person
) -> None:
    made = await apply(post_house, ada, reason="I live here")
    assert (made["status"], made["area"], made["code"]) == ("pending", "PK5F", None)
    given = await approve(post_house, chain.area, made, code="3d")
    assert (given["status"], given["code"], given["decided_by"]) == ("approved", "PK5F3D", chain.area.id)

    whole = {
        "code": "PK5F3D", "kind": "point", "school": "Park", "area": "Building 5 F", "name": "Room 312",
        "type": "dormitory", "address": "Park Lane 5, room 312", "is_public": False,
        "holder": {"id": ada.id, "username": "ada", "avatar": None, "courier_level": None},
    }  # fmt: skip
    for person in (ada, chain.building, chain.area, chain.school, chain.city, post_house.admin):
        assert await post_house.get(person, "/op-codes/pk%205f-3d") == whole
    stranger = await post_house.get(ben, "/op-codes/PK5F3D")
    assert stranger["code"] == "PK5F**"
    assert {name for name, value in stranger.items() if value is not None} == {"code", "kind", "school", "area"}


async def test_a_courier_from_elsewhere_or_suspended_is_a_stranger(
    post_house: CourierHouse, chain: Chain, ada: Person, ben: Person
) -> None:
    await approve(post_house, chain.area, await apply(post_house, ada), code="3D")
    await post_house.appoint(chain.area, ben, 1, "PK6A")
    assert (await post_house.get(ben, "/op-codes/PK5F3D"))["code"] == "PK5F**"
    await post_house.post(chain.area, f"/couriers/{chain.building.id}/suspend", {"reason": "rest"})
    assert (await post_house.get(chain.building, "/op-codes/PK5F3D"))["code"] == "PK5F**"


async def test_a_public_point_is_whole_for_everybody(
    post_house: CourierHouse, chain: Chain, ada: Person, ben: Person
) -> None:
    await approve(post_house, chain.area, await apply(post_house, ada, type="shop", is_public=True), code="77")
    assert (await post_house.get(ben, "/op-codes/PK5F77"))["address"] == WISH["address"]


async def test_only_who_gives_points_there_decides(
    post_house: CourierHouse, chain: Chain, ada: Person, ben: Person
) -> None:
    other = await post_house.person("other")
    await post_house.appoint(chain.school, other, 2, "PK6A")
    made = await apply(post_house, ada)
    path = f"/op-codes/applications/{made['id']}"

    for person, expect in ((ben, 404), (chain.building, 404), (other, 404), (ada, 403)):
        await approve(post_house, person, made, expect=expect)
        await post_house.post(person, f"{path}/reject", {"reason": "no"}, expect=expect)
        assert (await post_house.served.http.get(
            f"/api/v1{path}", headers={"Authorization": f"Bearer {person.token}"}
        )).status == (200 if person is ada else 404)  # fmt: skip
    waiting = (await post_house.get(chain.area, "/op-codes/applications?status=pending"))["items"]
    assert [one["id"] for one in waiting] == [made["id"]]
    refused = await post_house.post(chain.area, f"{path}/reject", {"reason": "nobody of that name"})
    assert (refused["status"], refused["note"]) == ("rejected", "nobody of that name")
    again = await approve(post_house, chain.area, made, expect=409)
    assert (again["from"], again["to"]) == ("rejected", "approved")


async def test_a_point_has_one_holder_whoever_gives_it_at_once(
    post_house: CourierHouse, chain: Chain, ada: Person, ben: Person
) -> None:
    wishes = [await apply(post_house, person) for person in (ada, ben)]

    async def give(by: Person, made: Any) -> int:
        url = f"/api/v1/op-codes/applications/{made['id']}/approve"
        answer = await post_house.served.http.post(
            url, json={"code": "3D"}, headers={"Authorization": f"Bearer {by.token}"}
        )
        return answer.status

    assert sorted(await asyncio.gather(give(chain.area, wishes[0]), give(chain.school, wishes[1]))) == [200, 409]
    holders = await post_house.sql("select user_id from op_application where code = 'PK5F3D'")
    assert len(holders) == 1


async def test_a_free_code_is_chosen_of_signs_that_nobody_misreads(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    given = [await approve(post_house, chain.area, await apply(post_house, ada)) for _ in range(5)]
    codes = {one["code"] for one in given}
    assert len(codes) == 5
    assert all(not set("0O1IL") & set(code[4:]) and code.startswith("PK5F") for code in codes)


async def test_a_full_area_says_so(post_house: CourierHouse, chain: Chain, ada: Person) -> None:
    made = await apply(post_house, ada)
    await post_house.sql(
        "insert into op_application (id, n, user_id, area, type, name, address, reason, is_public, status, code, note,"
        " created_at) select gen_random_uuid(), 0, $1, 'PK5F', 'box', 'x', 'x', '', false, 'approved',"
        " 'PK5F' || a || b, '', now() from regexp_split_to_table('ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', '') a,"
        " regexp_split_to_table('ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', '') b", ada.id,
    )  # fmt: skip
    assert "PK5F" in (await approve(post_house, chain.area, made, expect=409))["detail"]
    await post_house.sql("delete from op_application where n = 0")


async def test_what_cannot_be_asked_for(post_house: CourierHouse, chain: Chain, ada: Person) -> None:
    await post_house.post(post_house.admin, "/op-codes/areas", {"code": "PK0B", "name": "Zero"}, expect=201)
    alike = await apply(post_house, ada, area="ob", expect=400)
    assert "did you mean PK0B" in alike["errors"][0]["message"]
    for more in ({"area": "AB7C"}, {"area": "9Z"}, {"area": ""}, {"school": "P"}, {"type": "castle"}, {"name": ""}):
        await apply(post_house, ada, **more, expect=400)
    made = await apply(post_house, ada, area=" pk-5f ")
    for code in ("PK6A3D", "3", "3DD", "\u00e4\u00f6"):
        await approve(post_house, chain.area, made, code=code, expect=400)


async def test_an_unknown_code_that_looks_like_another_says_so(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    await approve(post_house, post_house.admin, await apply(post_house, ada), code="0I")
    hint = await post_house.get(ada, "/op-codes/PK5FO1", expect=404)
    assert "did you mean PK5F0I" in hint["detail"]
    assert "did you mean" not in (await post_house.get(ada, "/op-codes/PK5FZZ", expect=404))["detail"]
    for code, expect in (("PK", 200), ("pk5f", 200), ("ZZ", 404), ("PK9Z", 404), ("PK5", 404), ("%C3%A4%C3%B6", 404)):
        await post_house.get(ada, f"/op-codes/{code}", expect=expect)


async def test_a_point_that_is_given_up_is_free_for_others(
    post_house: CourierHouse, chain: Chain, ada: Person, ben: Person
) -> None:
    first = await apply(post_house, ada)
    await approve(post_house, chain.area, first, code="3D")
    second = await apply(post_house, ben)
    await approve(post_house, chain.area, second, code="3D", expect=409)
    await post_house.post(ben, "/op-codes/PK5F3D/release", {}, expect=404)
    released = await post_house.post(ada, "/op-codes/PK5F3D/release", {"reason": "moved out"})
    assert (released["status"], released["note"]) == ("released", "moved out")
    await post_house.post(ada, "/op-codes/PK5F3D/release", {}, expect=404)
    await approve(post_house, chain.area, second, code="3D")
    assert (await post_house.get(ada, "/op-codes/PK5F3D"))["code"] == "PK5F**"
