"""What people say of themselves."""

from typing import Any

import pytest

from actors.errors import NotFound
from actors.messages.profile import ChangeAbout
from actors.runtime.message import Caller
from app.edges import OPERATIONS, Records
from handlers.dispatch import Dispatcher
from storage.idempotency import IdempotencyStore
from tests.profile.house import NOTHING, ProfileHouse
from tests.system.house import Person


async def test_a_new_person_has_a_profile(house: ProfileHouse, ada: Person) -> None:
    expected: dict[str, Any] = {
        "username": "ada", "display_name": "ada", "bio": "", "avatar": None, "tags": [],
        "counts": {"followers": 0, "following": 0, "letters": 0}, "relation": NOTHING,
    }  # fmt: skip
    assert await house.get(ada, "me") == expected
    assert await house.get(ada, "ada") == expected


async def test_a_username_is_found_whatever_its_case(house: ProfileHouse, ada: Person, ben: Person) -> None:
    assert (await house.get(ada, "bEN"))["username"] == "Ben"
    await house.put(ada, "BEN/follow")
    assert await house.relation(ben, "aDa") == {"is_followed_by"}


async def test_only_what_is_named_changes(house: ProfileHouse, ada: Person, ben: Person) -> None:
    first = await house.patch(ada, {"display_name": "Ada Lovelace", "bio": "one\ntwo", "tags": ["a, b", "c", "a, b"]})
    assert (first["display_name"], first["bio"], first["tags"]) == ("Ada Lovelace", "one\ntwo", ["a, b", "c"])

    second = await house.patch(ada, {"bio": "", "avatar": "a.png"})
    assert second == {**first, "bio": "", "avatar": "a.png"}
    assert (await house.patch(ada, {"avatar": None, "tags": []})) == {**second, "avatar": None, "tags": []}
    assert (await house.get(ben, "ada"))["display_name"] == "Ada Lovelace"
    put = await house.served.call("PUT", "/profiles/me", ada.token, {"tags": ["x"]})
    assert (put["tags"], put["display_name"]) == (["x"], "Ada Lovelace")


async def test_the_avatar_is_the_accounts(house: ProfileHouse, ada: Person) -> None:
    await house.patch(ada, {"avatar": "a.png"})
    assert (await house.served.call("GET", "/users/me", ada.token))["avatar"] == "a.png"


async def test_the_same_again_is_no_event(house: ProfileHouse, ada: Person) -> None:
    for _ in range(2):
        await house.patch(ada, {"bio": "x"})
    await house.patch(ada, {})
    stream = f"profile:{ada.id}"
    assert [tuple(row) for row in await house.sql("select n, type from event where stream = $1", stream)] == [
        (1, "profile.changed")
    ]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"display_name": ""}, "$.display_name"),
        ({"display_name": "x" * 101}, "$.display_name"),
        ({"display_name": "a\nb"}, "$.display_name"),
        ({"display_name": None}, "$.display_name"),
        ({"bio": "x" * 1_001}, "$.bio"),
        ({"bio": "a\0"}, "$.bio"),
        ({"tags": [str(n) for n in range(21)]}, "$.tags"),
        ({"tags": ["ok", ""]}, "$.tags[1]"),
        ({"username": "eve"}, "$.username"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_place(
    house: ProfileHouse, ada: Person, body: Any, where: str
) -> None:
    before = await house.get(ada, "me")
    problem = await house.patch(ada, body, expect=400)
    assert problem["errors"][0]["path"] == where
    assert await house.get(ada, "me") == before


async def test_who_is_not_there_is_not_found(house: ProfileHouse, ada: Person) -> None:
    for username in ("nobody", "x", "no.such.person", "%00"):
        assert (await house.get(ada, username, expect=404 if username != "%00" else 400))["code"]
    await house.put(ada, "nobody/follow", expect=404)
    await house.get(ada, "nobody/followers", expect=404)
    await house.served.call("GET", "/profiles/ada", expect=401)


async def test_a_profile_is_what_its_events_say_also_after_many_changes_at_once(
    house: ProfileHouse, ada: Person
) -> None:
    caller = Caller(user_id=ada.id, role="user")
    for number in range(30):
        await house.refs("profile", ada.id).ask(ChangeAbout(bio=f"{number}", tags=(str(number % 3),)), caller)
    assert await house.differences() == []
    await house.sql("update profile set bio = 'planted' where user_id = $1", ada.id)
    [found] = await house.differences()
    assert found.stream == f"profile:{ada.id}" and "planted" in found.what
    await house.sql("update profile set bio = '29' where user_id = $1", ada.id)


async def test_a_profile_ends_with_its_account(house: ProfileHouse, ada: Person, ben: Person) -> None:
    await house.patch(ben, {"bio": "x"})
    await house.served.call("DELETE", "/users/me", ben.token, expect=204)
    await house.get(ada, "Ben", expect=404)
    assert await house.differences() == []


async def test_following_works_by_rpc(house: ProfileHouse, ada: Person, ben: Person) -> None:
    store = IdempotencyStore(house.served.house._core.base.database)
    dispatcher, caller = Dispatcher(house.refs, OPERATIONS, Records(store), b""), Caller(user_id=ben.id)

    async def perform(method: str, data: bytes) -> bytes:
        prepared = dispatcher.prepare(method, data, caller)
        return prepared.encode(await prepared.begin())

    assert await perform("profile.follow", b'{"username": "ada"}') == b"{}"
    assert await house.relation(ada, "ben") == {"is_followed_by"}
    assert await perform("profile.unfollow", b'{"username": "ada"}') == b"{}"
    assert await house.relation(ada, "ben") == set()
    with pytest.raises(NotFound):
        await perform("profile.follow", b'{"username": "nobody"}')
