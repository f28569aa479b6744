"""People subscribe their browsers, see them, and end them; nobody else does."""

from pathlib import Path
from typing import Any

from actors.outgoing.push import PushSettings
from app.keyring import open_vapid_key
from tests.push.browser import b64, unb64
from tests.push.house import PATH, PushingHouse, open_pushing, stranger


async def keys_of(house: PushingHouse, push_id: str) -> tuple[str, str]:
    [row] = await house.sql("select p256dh, auth from push where id = $1", push_id)
    return b64(row["p256dh"]), b64(row["auth"])


async def test_a_browser_that_subscribes_is_kept_and_listed(house: PushingHouse) -> None:
    ada, body = house.served.ada, {**stranger(), "name": "Firefox"}

    made = await house.subscribe(ada, body)

    assert (made["endpoint"], made["name"]) == (body["endpoint"], "Firefox")
    assert set(made) == {"id", "endpoint", "name", "created_at"}  # and no keys
    assert await house.listed(ada) == [made]
    assert await keys_of(house, made["id"]) == (body["keys"]["p256dh"], body["keys"]["auth"])


async def test_the_same_endpoint_again_gets_the_new_keys_and_stays_itself(house: PushingHouse) -> None:
    ada = house.served.ada
    made = await house.subscribe(ada, stranger())
    renewed = {**stranger(), "name": "again"}

    again = await house.subscribe(ada, renewed, expect=200)

    assert again == {**made, "name": "again"}
    assert await keys_of(house, made["id"]) == (renewed["keys"]["p256dh"], renewed["keys"]["auth"])
    assert len(await house.listed(ada)) == 1


async def test_a_browser_is_told_for_whoever_subscribed_last(house: PushingHouse) -> None:
    ada, ben = house.served.ada, await house.served.person("ben")
    first = await house.subscribe(ada, stranger())

    second = await house.subscribe(ben, stranger())

    assert second["id"] != first["id"]
    assert (await house.listed(ada), len(await house.listed(ben))) == ([], 1)


async def test_beyond_the_bound_the_one_renewed_longest_ago_goes(database_dsn: str, tmp_path: Path) -> None:
    async with open_pushing(database_dsn, tmp_path, push=PushSettings(max_per_person=3)) as house:
        ada, ben = house.served.ada, await house.served.person("ben")
        await house.subscribe(ben, stranger(99))
        for number in range(3):
            await house.subscribe(ada, stranger(number))
        await house.subscribe(ada, stranger(0), expect=200)

        await house.subscribe(ada, stranger(3))

        left = {one["endpoint"].rpartition("/")[2] for one in await house.listed(ada)}
        assert left == {"0", "2", "3"}
        assert len(await house.listed(ben)) == 1


async def test_pages_hold_every_subscription_once(house: PushingHouse) -> None:
    ada = house.served.ada
    made = [await house.subscribe(ada, stranger(number)) for number in range(5)]
    seen: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = await house.call("GET", f"{PATH}?limit=2{cursor and f'&cursor={cursor}'}", ada.token)
        seen += page["items"]
        cursor = page["next_cursor"]

    assert seen == made[::-1]


async def test_nobody_ends_or_sees_the_subscription_of_another(house: PushingHouse) -> None:
    ada, ben = house.served.ada, await house.served.person("ben")
    made = await house.subscribe(ada, stranger())

    await house.call("DELETE", f"{PATH}/{made['id']}", ben.token, expect=404)
    assert await house.listed(ben) == []
    assert len(await house.listed(ada)) == 1
    await house.call("DELETE", f"{PATH}/{made['id']}", ada.token, expect=204)
    assert await house.listed(ada) == []
    await house.call("DELETE", f"{PATH}/{made['id']}", ada.token, expect=404)


async def test_subscriptions_end_with_the_account(house: PushingHouse) -> None:
    ben = await house.served.person("ben")
    await house.subscribe(ben, stranger())

    await house.call("DELETE", "/users/me", ben.token, expect=204)

    assert await house.sql("select from push") == []


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("$.endpoint", {"endpoint": "http://push.example.net/1"}),
    ("$.endpoint", {"endpoint": "ftp://push.example.net/1"}),
    ("$.endpoint", {"endpoint": "https://"}),
    ("$.endpoint", {"endpoint": "https://ada:secret@push.example.net/1"}),
    ("$.endpoint", {"endpoint": "https://127.0.0.1/1"}),
    ("$.endpoint", {"endpoint": "https://[::1]/1"}),
    ("$.endpoint", {"endpoint": "https://localhost/1"}),
    ("$.endpoint", {"endpoint": "https://169.254.169.254/latest/meta-data"}),
    ("$.endpoint", {"endpoint": "https://push.example.net:99999/1"}),
    ("$.endpoint", {"endpoint": f"https://push.example.net/{'x' * 2_000}"}),
    ("$.endpoint", {"endpoint": "https://push.example.net/1\r\nX: y"}),
    ("$.keys.p256dh", {"keys": {"p256dh": b64(b"\x04" + bytes(64)), "auth": b64(bytes(16))}}),
    ("$.keys.p256dh", {"keys": {"p256dh": "short", "auth": b64(bytes(16))}}),
    ("$.keys.auth", {"keys": {**stranger()["keys"], "auth": b64(bytes(15))}}),
    ("$.keys", {"keys": {**stranger()["keys"], "more": ""}}),
    ("$.keys", {"keys": {"auth": b64(bytes(16))}}),
]


async def test_what_leads_nowhere_is_refused(database_dsn: str, tmp_path: Path) -> None:
    async with open_pushing(database_dsn, tmp_path, push=PushSettings()) as house:
        for path, change in REFUSED:
            problem = await house.subscribe(house.served.ada, {**stranger(), **change}, expect=400)
            assert problem["errors"][0]["path"].startswith(path), change
        assert await house.listed(house.served.ada) == []


async def test_keys_in_the_common_alphabet_are_read_as_well(house: PushingHouse) -> None:
    body = stranger()
    common = {
        name: key.replace("-", "+").replace("_", "/") + "=" * (-len(key) % 4) for name, key in body["keys"].items()
    }

    made = await house.subscribe(house.served.ada, {**body, "keys": common})

    assert await keys_of(house, made["id"]) == (body["keys"]["p256dh"], body["keys"]["auth"])


async def test_the_houses_key_is_a_point_of_p256_that_only_the_house_can_read(
    house: PushingHouse, tmp_path: Path
) -> None:
    found = await house.call("GET", "/notifications/push-key", house.served.ada.token)

    point = unb64(found["public_key"])
    assert (len(point), point[0]) == (65, 4)
    assert (tmp_path / "secrets" / "vapid.pem").stat().st_mode & 0o777 == 0o600
    assert open_vapid_key(house.config).public_key == found["public_key"]  # and the next start finds the same


async def test_while_push_is_off_nobody_subscribes(database_dsn: str, tmp_path: Path) -> None:
    async with open_pushing(database_dsn, tmp_path, push=PushSettings(enabled=False)) as house:
        await house.call("GET", "/notifications/push-key", house.served.ada.token, expect=404)
        await house.subscribe(house.served.ada, stranger(), expect=404)
        assert await house.listed(house.served.ada) == []
