"""From an administrator's notification to a browser, through the whole house."""

from pathlib import Path
from typing import Any

from actors.outgoing.push import PushSettings
from actors.outgoing.settings import OutgoingSettings
from tests.notification.house import until
from tests.push.browser import Browser, PushService
from tests.push.house import PushingHouse, open_pushing
from tests.system.house import Person

QUICK = OutgoingSettings(retry_seconds=[0.05], poll_seconds=0.1)


async def prefer_push(house: PushingHouse, person: Person) -> None:
    body = {"types": {"system": {"channels": ["inbox", "push"]}}}
    await house.call("PATCH", "/notifications/preferences", person.token, body)


async def notify(house: PushingHouse, *people: Person, **fields: Any) -> None:
    body = {"to": [person.id for person in people], "title": "Maintenance tonight", **fields}
    await house.call("POST", "/notifications", house.served.admin.token, body, expect=202)


async def states(house: PushingHouse) -> list[str]:
    return [row["state"] for row in await house.sql("select state from outgoing order by id")]


async def ended(house: PushingHouse, count: int) -> list[str]:
    """Wait until so many rows have ended, and return how."""

    async def all_ended() -> list[str] | None:
        found = await states(house)
        return found if len(found) == count and "waiting" not in found else None

    found: list[str] = await until(all_ended)
    return found


async def subscribed(house: PushingHouse, service: PushService, count: int = 1) -> list[Browser]:
    await prefer_push(house, house.served.ada)
    return [(await house.open_browser(house.served.ada, service))[0] for _ in range(count)]


async def test_a_notification_arrives_in_every_browser_of_whoever_wants_it_there(
    database_dsn: str, tmp_path: Path, service: PushService
) -> None:
    async with open_pushing(database_dsn, tmp_path, outgoing=QUICK) as house:
        browsers = await subscribed(house, service, count=2)
        ben = await house.served.person("ben")
        bens, _ = await house.open_browser(ben, service)  # who has subscribed, and wants pushes of no type

        await notify(house, house.served.ada, ben, body="From 23:00.", data={"link": "/status"}, priority="high")

        assert await ended(house, 2) == ["sent", "sent"]
        inbox = await house.call("GET", "/notifications?type=system", house.served.ada.token)
        for browser in browsers:
            [shown] = browser.shown
            assert shown == {
                "id": inbox["items"][0]["id"], "type": "system", "title": "Maintenance tonight",
                "body": "From 23:00.", "data": {"link": "/status"},
            }  # fmt: skip
            assert browser.pushed[0].headers["Urgency"] == "high"
        assert bens.pushed == []


async def test_an_administrator_may_ask_for_push_where_nobody_has_said_otherwise(
    database_dsn: str, tmp_path: Path, service: PushService
) -> None:
    async with open_pushing(database_dsn, tmp_path, outgoing=QUICK) as house:
        browser, _ = await house.open_browser(house.served.ada, service)
        await notify(house, house.served.ada, house.served.admin, channels=["push"])

        assert sorted(await ended(house, 2)) == ["dropped", "sent"]  # the administrator has no browser
        assert len(browser.shown) == 1


async def test_what_a_push_service_defers_arrives_once(database_dsn: str, tmp_path: Path, service: PushService) -> None:
    async with open_pushing(database_dsn, tmp_path, outgoing=QUICK) as house:
        busy, well = await subscribed(house, service, count=2)
        busy.answers = [(429, {"Retry-After": "1"}), (503, {})]

        await notify(house, house.served.ada)

        assert await ended(house, 2) == ["sent", "sent"]
        assert [pushed.status for pushed in busy.pushed] == [429, 503, 201]
        assert [pushed.status for pushed in well.pushed] == [201]


async def test_a_browser_that_is_gone_is_forgotten_and_the_others_are_told(
    database_dsn: str, tmp_path: Path, service: PushService
) -> None:
    async with open_pushing(database_dsn, tmp_path, outgoing=QUICK) as house:
        gone, well = await subscribed(house, service, count=2)
        gone.answers = [(410, {})]

        await notify(house, house.served.ada)
        assert sorted(await ended(house, 2)) == ["dead", "sent"]
        await notify(house, house.served.ada)
        assert sorted(await ended(house, 3)) == ["dead", "sent", "sent"]

        assert [one["endpoint"] for one in await house.listed(house.served.ada)] == [well.endpoint]
        assert (len(gone.pushed), len(well.shown)) == (1, 2)


async def test_an_endpoint_that_leads_into_this_network_gets_nothing(
    database_dsn: str, tmp_path: Path, service: PushService
) -> None:
    async with open_pushing(database_dsn, tmp_path, outgoing=QUICK) as house:
        [browser] = await subscribed(house, service)
    async with open_pushing(database_dsn, tmp_path, outgoing=QUICK, push=PushSettings(), has_people=False) as house:
        await house.sql(
            "insert into outgoing (id, user_id, channel, parcel, type, title, body, data, priority, due_at, created_at)"
            " select id, user_id, 'push', id, 'system', 'Hello', '', '{}', 'normal', now(), now() from push"
        )

        assert await ended(house, 1) == ["dead"]
        [row] = await house.sql("select error from outgoing")
        assert "no public address" in row["error"]
        assert browser.pushed == []


async def test_no_key_and_no_endpoint_is_in_the_log(database_dsn: str, tmp_path: Path, service: PushService) -> None:
    async with open_pushing(database_dsn, tmp_path, outgoing=QUICK) as house:
        [browser] = await subscribed(house, service)
        browser.answers = [(500, {}), (403, {})]
        await notify(house, house.served.ada)
        assert await ended(house, 1) == ["dead"]
    said = (tmp_path / "house.log").read_text()

    assert "push_failed" in said
    assert "push_dead" in said
    for secret in (browser.token, *browser.subscription["keys"].values(), "Maintenance tonight"):
        assert secret not in said
