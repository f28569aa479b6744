"""Quotas: by role, by an administrator's word, and by the month."""

from datetime import UTC, datetime

import pytest

from actors.quota import QuotaSettings, RoleBounds, month_of
from tests.account.house import AccountHouse


async def test_a_quota_is_that_of_the_role_until_an_administrator_says_otherwise(house: AccountHouse) -> None:
    root, ada = await house.person("root", "admin"), await house.register("ada")
    path = f"/users/{ada['user']['id']}/quota"
    mine = await house.call("GET", "/users/me/quota", token=ada["access_token"])
    bounds = QuotaSettings()
    now = datetime.now(UTC)
    following = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
    assert mine.body == {
        "max_tasks": bounds.max_tasks, "used_tasks": 0, "max_storage": bounds.max_storage, "used_storage": 0,
        "reset_at": following.strftime("%Y-%m-%dT00:00:00Z"),
    }  # fmt: skip
    changed = await house.call("PATCH", path, {"max_tasks": 3}, token=root["access_token"])
    assert changed.status == 200 and changed.body == {**mine.body, "max_tasks": 3}
    more = await house.call("PATCH", path, {"max_storage": 0}, token=root["access_token"])
    assert more.body == {**mine.body, "max_tasks": 3, "max_storage": 0}
    back = await house.call("PATCH", path, {"max_tasks": None}, token=root["access_token"])
    assert back.body == {**mine.body, "max_storage": 0}
    assert (await house.call("GET", path, token=ada["access_token"])).body == back.body
    assert house.told("account.quota_set")[0].keys() == {"type", "at", "user_id", "max_tasks"}
    assert (await house.call("PATCH", path, {"max_tasks": -1}, token=root["access_token"])).status == 400


async def test_tasks_of_an_earlier_month_do_not_count_but_storage_does(house: AccountHouse) -> None:
    ada = await house.register("ada")
    update = "update quota set used_tasks = 7, used_storage = 9, month = $1"
    await house.sql(update, month_of(datetime.now(UTC)))
    quota = await house.call("GET", "/users/me/quota", token=ada["access_token"])
    assert (quota["used_tasks"], quota["used_storage"]) == (7, 9)
    await house.sql(update, month_of(datetime(2020, 5, 1, tzinfo=UTC)))
    quota = await house.call("GET", "/users/me/quota", token=ada["access_token"])
    assert (quota["used_tasks"], quota["used_storage"]) == (0, 9)


@pytest.mark.parametrize(
    ("role", "bounds"), [("user", (1, 2)), ("vip", (3, 2)), ("admin", (1, 4)), ("super_admin", (1, 4))]
)
def test_a_role_has_its_own_bounds_where_it_names_them(role: str, bounds: tuple[int, int]) -> None:
    settings = QuotaSettings(max_tasks=1, max_storage=2, vip=RoleBounds(max_tasks=3), admin=RoleBounds(max_storage=4))
    assert settings.bounds(role) == bounds
