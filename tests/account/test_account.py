"""The account itself: who sees what, who may change what, and what happens at once."""

import asyncio
from typing import Any

import pytest

from actors.messages.account import EnsureAdmin
from actors.runtime.message import SYSTEM
from tests.account.house import PASSWORD, AccountHouse

PUBLIC = {"id", "username", "avatar", "courier_level"}
NOBODY = "01990a1b-5c00-7000-8000-000000000000"


async def test_strangers_see_only_the_public_part(house: AccountHouse) -> None:
    ada, bob = await house.register("ada"), await house.register("bob")
    admin = await house.person("root", "admin")
    path = f"/users/{ada['user']['id']}"
    assert (await house.call("GET", path, token=bob["access_token"])).body.keys() == PUBLIC
    for who in (ada, admin):
        assert (await house.call("GET", path, token=who["access_token"])).body == ada["user"]
    assert (await house.call("GET", path)).refusal == (401, "unauthorized")


@pytest.mark.parametrize("user_id", [NOBODY, "nobody", "%00", f"{NOBODY}%0A"])
async def test_who_does_not_exist_is_not_found(house: AccountHouse, user_id: str) -> None:
    ada = await house.register("ada")
    answer = await house.call("GET", f"/users/{user_id}", token=ada["access_token"])
    assert answer.status in {404, 400} and answer.status != 500


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_only_what_is_named_changes(house: AccountHouse, method: str) -> None:
    ada = await house.register("ada", phone="12345")
    changed = await house.call(method, "/users/me", {"avatar": "https://example.org/a.png"}, token=ada["access_token"])
    assert changed.status == 200 and changed.body == {**ada["user"], "avatar": "https://example.org/a.png"}
    cleared = await house.call(method, "/users/me", {"phone": None}, token=ada["access_token"])
    assert cleared.body == {**changed.body, "phone": None}
    same = await house.call(method, "/users/me", {"phone": None}, token=ada["access_token"])
    assert same.body == cleared.body
    assert [kind for _, kind in await house.stream(f"account:{ada['user']['id']}")] == [
        "account.registered", "account.changed", "account.changed",
    ]  # fmt: skip


async def test_a_taken_address_is_a_conflict_and_changes_nothing(house: AccountHouse) -> None:
    ada = await house.register("ada")
    await house.register("bob")
    answer = await house.call("PATCH", "/users/me", {"email": "BOB@example.org"}, token=ada["access_token"])
    assert answer.refusal == (409, "conflict") and answer["field"] == "email"
    assert (await house.call("GET", "/users/me", token=ada["access_token"])).body == ada["user"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"phone": "12345"}),
        ("DELETE", "", None),
        ("GET", "/quota", None),
        ("POST", "/check-permission", {"resource": "task", "action": "read"}),
    ],
)
async def test_a_stranger_gets_404_where_only_the_owner_may(
    house: AccountHouse, method: str, path: str, body: Any
) -> None:
    ada, bob = await house.register("ada"), await house.register("bob")
    answer = await house.call(method, f"/users/{ada['user']['id']}{path}", body, token=bob["access_token"])
    assert answer.refusal == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/users", None),
        ("PATCH", "/users/me/role", {"role": "admin"}),
        ("PATCH", "/users/me/status", {"status": "blocked"}),
        ("PATCH", "/users/me/quota", {"max_tasks": 1}),
        ("POST", "/users/me/password-reset", None),
    ],
)
async def test_what_is_for_administrators_is_forbidden_for_users(
    house: AccountHouse, method: str, path: str, body: Any
) -> None:
    ada = await house.register("ada")
    assert (await house.call(method, path, body, token=ada["access_token"])).refusal == (403, "forbidden")


async def test_a_deleted_account_is_gone_with_all_that_was_its_own(house: AccountHouse) -> None:
    ada, bob = await house.register("ada"), await house.register("bob")
    await house.call("POST", "/api-keys", {"name": "k", "scopes": ["read"]}, token=ada["access_token"])
    assert (await house.call("DELETE", "/users/me", token=ada["access_token"])).status == 204
    assert (await house.call("GET", "/users/me", token=ada["access_token"])).refusal == (401, "unauthorized")
    assert (await house.refresh(ada["refresh_token"])).status == 401
    assert (await house.log_in("ada")).status == 401
    path = f"/users/{ada['user']['id']}"
    assert (await house.call("GET", path, token=bob["access_token"])).refusal == (404, "not_found")
    for table in ("credential", "profile", "quota", "session"):
        assert len(await house.sql(f"select from {table}")) == 1  # bob's
    assert await house.sql("select from api_key") == []
    await house.register("ada")  # the name is free again


async def test_a_role_counts_at_the_next_request(house: AccountHouse) -> None:
    root, ada = await house.person("root", "super_admin"), await house.register("ada")
    path = f"/users/{ada['user']['id']}/role"
    assert (await house.call("GET", "/users", token=ada["access_token"])).status == 403
    changed = await house.call("PATCH", path, {"role": "admin"}, token=root["access_token"])
    assert changed.status == 200 and changed["role"] == "admin"
    assert (await house.call("GET", "/users", token=ada["access_token"])).status == 200
    await house.call("PATCH", path, {"role": "user"}, token=root["access_token"])
    assert (await house.call("GET", "/users", token=ada["access_token"])).status == 403
    assert (await house.call("PATCH", path, {"role": "king"}, token=root["access_token"])).status == 400


async def test_blocking_ends_sessions_and_keys_at_once_and_unblocking_lets_in_again(house: AccountHouse) -> None:
    root, ada = await house.person("root", "admin"), await house.register("ada")
    made = await house.call("POST", "/api-keys", {"name": "k", "scopes": ["read"]}, token=ada["access_token"])
    path = f"/users/{ada['user']['id']}/status"
    blocked = await house.call("PATCH", path, {"status": "blocked"}, token=root["access_token"])
    assert blocked.status == 200 and blocked["status"] == "blocked"
    for token in (ada["access_token"], made["key"]):
        assert (await house.call("GET", "/users/me", token=token)).refusal == (403, "forbidden")
    assert (await house.log_in("ada")).refusal == (403, "forbidden")
    assert (await house.log_in("ada", "wrong password")).refusal == (401, "unauthorized")
    assert (await house.refresh(ada["refresh_token"])).status == 401
    again = await house.call("PATCH", path, {"status": "active"}, token=root["access_token"])
    assert again["status"] == "active"
    assert (await house.call("GET", "/users/me", token=made["key"])).status == 200
    assert (await house.call("GET", "/users/me", token=ada["access_token"])).status == 401  # the session has ended
    assert (await house.log_in("ada")).status == 200


@pytest.mark.parametrize(
    ("caller", "target", "path", "body", "status"),
    [
        ("admin", "super_admin", "/status", {"status": "blocked"}, 403),
        ("admin", "super_admin", "/role", {"role": "user"}, 403),
        ("admin", "super_admin", "/password-reset", None, 403),
        ("admin", "super_admin", "", None, 403),
        ("admin", "admin", "/status", {"status": "blocked"}, 403),
        ("admin", "admin", "/password-reset", None, 403),
        ("admin", "user", "/role", {"role": "admin"}, 403),
        ("admin", "user", "/role", {"role": "super_admin"}, 403),
        ("admin", "user", "/role", {"role": "vip"}, 200),
        ("admin", "user", "/password-reset", None, 201),
        ("admin", "vip", "", None, 204),
        ("super_admin", "admin", "/role", {"role": "user"}, 200),
        ("super_admin", "user", "/role", {"role": "super_admin"}, 200),
        ("super_admin", "super_admin", "/status", {"status": "blocked"}, 200),
    ],
)
async def test_an_administrator_reaches_only_those_below(
    house: AccountHouse, caller: Any, target: Any, path: str, body: Any, status: int
) -> None:
    who, whom = await house.person("caller", caller), await house.person("target", target)
    method = "DELETE" if not path else "POST" if path == "/password-reset" else "PATCH"
    answer = await house.call(method, f"/users/{whom['user']['id']}{path}", body, token=who["access_token"])
    assert answer.status == status


async def test_an_admin_cannot_make_itself_more(house: AccountHouse) -> None:
    admin = await house.person("boss", "admin")
    answer = await house.call("PATCH", "/users/me/role", {"role": "super_admin"}, token=admin["access_token"])
    assert answer.refusal == (403, "forbidden")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "", None),
        ("PATCH", "/role", {"role": "user"}),
        ("PATCH", "/status", {"status": "blocked"}),
    ],
)
async def test_the_last_super_admin_stays(house: AccountHouse, method: str, path: str, body: Any) -> None:
    root = await house.person("root", "super_admin")
    answer = await house.call(method, f"/users/me{path}", body, token=root["access_token"])
    assert answer.refusal == (409, "conflict")
    assert (await house.call("GET", "/users/me", token=root["access_token"]))["role"] == "super_admin"


async def test_of_super_admins_that_leave_at_once_one_stays(house: AccountHouse) -> None:
    people = [await house.person(f"root{n}", "super_admin") for n in range(5)]
    body = {"role": "user"}
    answers = await asyncio.gather(
        *(house.call("PATCH", "/users/me/role", body, token=person["access_token"]) for person in people)
    )
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 200, 409]
    assert len(await house.sql("select from account where role = 'super_admin'")) == 1


async def test_the_list_is_filtered_paged_and_newest_first(house: AccountHouse) -> None:
    root = await house.person("root", "super_admin")
    for n in range(5):
        await house.person(f"per_son{n}", "vip" if n % 2 else "user")
    token = root["access_token"]

    async def names(query: str) -> list[str]:
        return [user["username"] for user in (await house.call("GET", f"/users?{query}", token=token))["items"]]

    assert await names("q=PER_SON") == [f"per_son{n}" for n in (4, 3, 2, 1, 0)]
    assert await names("q=%25") == [] and await names("q=perXson") == []
    assert await names("role=vip") == ["per_son3", "per_son1"]
    assert await names("status=blocked") == []
    page = await house.call("GET", "/users?limit=4", token=token)
    assert [user["username"] for user in page["items"]] == ["per_son4", "per_son3", "per_son2", "per_son1"]
    await house.register("late")
    rest = await house.call("GET", f"/users?limit=4&cursor={page['next_cursor']}", token=token)
    assert [user["username"] for user in rest["items"]] == ["per_son0", "root"] and rest["next_cursor"] is None
    for query in ("cursor=nonsense", "limit=0", "limit=101", "role=king", "colour=red"):
        assert (await house.call("GET", f"/users?{query}", token=token)).refusal == (400, "invalid_request")


@pytest.mark.parametrize(
    ("role", "resource", "action", "allowed"),
    [
        ("user", "task", "create", True),
        ("user", "task", "manage", False),
        ("vip", "letter", "delete", True),
        ("user", "system", "read", False),
        ("user", "user", "create", False),
        ("admin", "task", "manage", True),
        ("super_admin", "system", "manage", True),
        ("admin", "unicorn", "read", False),
    ],
)
async def test_permissions_are_looked_up_in_one_table(
    house: AccountHouse,
    role: Any,
    resource: str,
    action: str,
    allowed: bool,  # noqa: FBT001
) -> None:
    person = await house.person("ada", role)
    body = {"resource": resource, "action": action}
    answer = await house.call("POST", "/users/me/check-permission", body, token=person["access_token"])
    assert answer.status == 200 and answer["allowed"] is allowed and answer["reason"]


async def test_nobody_has_permissions_while_blocked(house: AccountHouse) -> None:
    root, ada = await house.person("root", "admin"), await house.register("ada")
    path = f"/users/{ada['user']['id']}"
    await house.call("PATCH", f"{path}/status", {"status": "blocked"}, token=root["access_token"])
    body = {"resource": "task", "action": "read"}
    answer = await house.call("POST", f"{path}/check-permission", body, token=root["access_token"])
    assert answer.body == {"allowed": False, "reason": "the account is blocked"}


async def test_the_first_start_makes_a_super_admin_once(house: AccountHouse) -> None:
    accounts = house.system.ref("accounts")
    first = await accounts.ask(EnsureAdmin(username="admin"), SYSTEM)
    assert first.is_new and first.password is not None
    assert (await house.log_in("admin", first.password))["user"]["role"] == "super_admin"
    again = await accounts.ask(EnsureAdmin(username="admin", password=PASSWORD), SYSTEM)
    assert (again.is_new, again.password, again.user_id) == (False, None, first.user_id)
    assert (await house.log_in("admin")).status == 401
