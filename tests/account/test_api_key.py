"""API keys: shown once, bounded by scope, ended at once."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.account.house import AccountHouse, Answer


async def make(house: AccountHouse, owner: Answer, *scopes: str, **fields: Any) -> Answer:
    body = {"name": "deploy", "scopes": list(scopes), **fields}
    return await house.call("POST", "/api-keys", body, token=owner["access_token"])


async def test_a_key_is_shown_once_and_stored_as_a_hash(house: AccountHouse) -> None:
    ada = await house.register("ada")
    made = await make(house, ada, "read", "write")
    assert made.status == 201 and made["key"].startswith("ph_") and made["scopes"] == ["read", "write"]
    [listed] = (await house.call("GET", "/api-keys", token=ada["access_token"]))["items"]
    assert listed == {name: value for name, value in made.body.items() if name != "key"}
    secret = made["key"].split("_", 2)[2]  # a secret may hold underscores itself
    assert secret not in str(await house.sql("select k::text from api_key k union all select body::text from event"))
    assert (await house.call("GET", "/users/me", token=made["key"])).body == ada["user"]
    assert await house.stream(f"api_key:{made['id']}") == [(1, "api_key.created")]


async def test_a_key_may_do_what_its_scopes_say(house: AccountHouse) -> None:
    ada = await house.register("ada")
    reader = (await make(house, ada, "read"))["key"]
    assert (await house.call("GET", "/users/me", token=reader)).status == 200
    assert (await house.call("PATCH", "/users/me", {"phone": "12345"}, token=reader)).refusal == (403, "forbidden")
    writer = (await make(house, ada, "write"))["key"]
    assert (await house.call("GET", "/users/me", token=writer)).status == 403
    assert (await house.call("PATCH", "/users/me", {"phone": "12345"}, token=writer)).status == 200


async def test_a_key_makes_no_key_that_may_do_more(house: AccountHouse) -> None:
    ada = await house.register("ada")
    writer = (await make(house, ada, "write"))["key"]
    body = {"name": "more", "scopes": ["read"]}
    assert (await house.call("POST", "/api-keys", body, token=writer)).refusal == (403, "forbidden")
    assert (await house.call("POST", "/api-keys", {**body, "scopes": ["write"]}, token=writer)).status == 201


async def test_only_an_administrators_key_may_be_a_worker(house: AccountHouse) -> None:
    root, boss, ada = (
        await house.person("root", "super_admin"), await house.person("boss", "admin"), await house.register("ada"),
    )  # fmt: skip
    assert (await make(house, ada, "worker")).refusal == (403, "forbidden")
    made = await make(house, boss, "worker")
    assert made.status == 201
    assert (await house.identities.verify(made["key"])).caller.scopes == {"worker"}
    path = f"/users/{boss['user']['id']}/role"
    await house.call("PATCH", path, {"role": "user"}, token=root["access_token"])
    assert (await house.identities.verify(made["key"])).caller.scopes == set()


async def test_a_deleted_key_is_refused_at_once(house: AccountHouse) -> None:
    ada, bob = await house.register("ada"), await house.register("bob")
    made = await make(house, ada, "read")
    assert (await house.call("GET", "/users/me", token=made["key"])).status == 200
    path = f"/api-keys/{made['id']}"
    assert (await house.call("DELETE", path, token=bob["access_token"])).refusal == (404, "not_found")
    assert (await house.call("DELETE", path, token=ada["access_token"])).status == 204
    assert (await house.call("DELETE", path, token=ada["access_token"])).refusal == (404, "not_found")
    assert (await house.call("GET", "/users/me", token=made["key"])).refusal == (401, "unauthorized")
    assert await house.stream(f"api_key:{made['id']}") == [(1, "api_key.created"), (2, "api_key.deleted")]


async def test_a_key_ends(house: AccountHouse) -> None:
    ada = await house.register("ada")
    soon = datetime.now(UTC).astimezone(timezone(timedelta(hours=2))) + timedelta(hours=1)
    made = await make(house, ada, "read", expires_at=soon.isoformat())
    assert made["expires_at"].endswith("Z") and datetime.fromisoformat(made["expires_at"]) == soon
    standing = await house.call("POST", "/auth/verify", {"token": made["key"]})
    assert standing["active"] and standing["expires_at"] == made["expires_at"]
    await house.sql("update api_key set expires_at = now() - interval '1 s'")
    assert (await house.call("GET", "/users/me", token=made["key"])).refusal == (401, "unauthorized")


@pytest.mark.parametrize("change", [-1, 1, "secret"])
async def test_a_key_with_another_secret_is_refused(house: AccountHouse, change: Any) -> None:
    made = await make(house, await house.register("ada"), "read")
    key = made["key"]
    forged = key[:-43] + "x" * 43 if change == "secret" else key[:change] if change < 0 else key + "x"
    assert (await house.call("GET", "/users/me", token=forged)).refusal == (401, "unauthorized")


async def test_nobody_has_more_keys_than_the_settings_allow(house: AccountHouse) -> None:
    ada, bob = await house.register("ada"), await house.register("bob")
    made = [await make(house, ada, "read") for _ in range(6)]
    assert [one.status for one in made] == [201] * 5 + [409]
    assert (await make(house, bob, "read")).status == 201, "everybody has a bound of their own"
    await house.call("DELETE", f"/api-keys/{made[0]['id']}", token=ada["access_token"])
    assert (await make(house, ada, "read")).status == 201
    assert len((await house.call("GET", "/api-keys", token=ada["access_token"]))["items"]) == 5


async def test_a_replayed_creation_names_the_key_but_not_its_secret(house: AccountHouse) -> None:
    ada = await house.register("ada")
    body = {"name": "deploy", "scopes": ["read"]}
    first = await house.call("POST", "/api-keys", body, token=ada["access_token"], key="k1")
    again = await house.call("POST", "/api-keys", body, token=ada["access_token"], key="k1")
    assert again.refusal == (409, "conflict") and again["id"] == first["id"] and "key" not in again.body
    assert len((await house.call("GET", "/api-keys", token=ada["access_token"]))["items"]) == 1


async def test_a_key_has_no_session_to_log_out_of(house: AccountHouse) -> None:
    made = await make(house, await house.register("ada"), "write")
    assert (await house.call("POST", "/auth/logout", token=made["key"])).refusal == (403, "forbidden")


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"name": ""}, "$.name"),
        ({"scopes": []}, "$.scopes"),
        ({"scopes": ["root"]}, "$.scopes[0]"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "$.expires_at"),
        ({"expires_at": "2099-01-01T00:00:00"}, "$.expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+12:00"}, "$.expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "$.expires_at"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_path(
    house: AccountHouse, wrong: dict[str, Any], path: str
) -> None:
    body = {"name": "k", "scopes": ["read"], **wrong}
    answer = await house.call("POST", "/api-keys", body, token=(await house.register("ada"))["access_token"])
    assert answer.refusal == (400, "invalid_request") and answer["errors"][0]["path"] == path
