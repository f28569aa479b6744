"""What those see and do who keep the house running: the list, the dead, figures, and that mail is off."""

import asyncio
from pathlib import Path

from actors.outgoing.settings import EmailSettings
from tests.notification.house import until
from tests.outgoing.house import MailedHouse, open_mailed
from tests.outgoing.mail_server import MailServer


async def test_an_administrator_sends_what_is_dead_again(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    house.server.refusals["ada@example.org"] = "550 ada@example.org is unknown"
    await house.notify(ada, "News", body="between us", priority="critical")
    await house.row_in(ada, "dead")
    [dead] = (await house.system("/outgoing?state=dead"))["items"]
    assert (dead["user_id"], dead["channel"], dead["attempts"]) == (ada.id, "email", 1)
    assert "550" in dead["error"] and "ada@example.org" not in str(dead) and "between us" not in str(dead)

    house.server.refusals.clear()
    again = await house.call("POST", f"/api/system/outgoing/{dead['id']}/retry", house.admin.token)
    assert (again["state"], again["attempts"], again["error"]) == ("waiting", 0, None)
    [mail] = await house.mailed("ada")
    assert mail["Subject"] == "News"
    await house.row_in(ada, "sent")
    refused = await house.call("POST", f"/api/system/outgoing/{dead['id']}/retry", house.admin.token, expect=409)
    assert (refused["from"], refused["to"]) == ("sent", "waiting")


async def test_an_administrator_deletes_what_is_not_to_be_sent(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    await house.notify(ada, "News")
    row = await house.row_in(ada, "waiting")
    path = f"/api/system/outgoing/{row['id']}"
    await house.call("DELETE", path, house.admin.token, expect=204)
    await house.call("DELETE", path, house.admin.token, expect=404)
    await house.call("POST", f"{path}/retry", house.admin.token, expect=404)
    await asyncio.sleep(1.5)  # a digest's time
    assert house.server.mails == []


async def test_nobody_else_sees_the_list_or_changes_it(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    await house.notify(ada, "News")
    row = await house.row_in(ada, "waiting")
    path = f"/api/system/outgoing/{row['id']}"
    for method, where in (("GET", "/api/system/outgoing"), ("POST", f"{path}/retry"), ("DELETE", path)):
        await house.call(method, where, ada.token, expect=403)
        await house.call(method, where, expect=401)


async def test_the_list_has_pages_and_filters(house: MailedHouse) -> None:
    ada, ben = await house.proved("ada"), await house.person("ben")
    for n in range(5):
        await house.notify(ada, f"{n}", priority="critical")
    await house.notify(ben, "unproved", priority="critical")
    await until(lambda: house.sql("select from outgoing where state <> 'waiting' having count(*) = 9"))

    seen, cursor = [], ""
    while cursor is not None:
        page = await house.system(f"/outgoing?channel=email&limit=3{cursor and f'&cursor={cursor}'}")
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 9 and seen == sorted(seen, reverse=True)
    [dropped] = (await house.system("/outgoing?state=dropped"))["items"]
    assert (dropped["user_id"], dropped["error"]) == (ben.id, "the e-mail address was not verified")
    assert len((await house.system(f"/outgoing?user_id={ada.id}&state=sent"))["items"]) == 6
    assert (await house.system("/outgoing?state=sideways", expect=400))["code"] == "invalid_request"


async def test_figures_tell_what_left_and_how_the_server_is(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    await house.notify(ada, "News", priority="critical")
    await house.row_in(ada, "sent")
    await house.server.stop()
    await house.notify(ada, "1", priority="critical")
    await house.notify(ada, "2", priority="critical")

    async def is_open() -> bool:
        async with house.http.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        assert 'outgoing_sent_total{channel="email"} 3.0' in lines  # with those of two registrations
        return 'outgoing_breaker{channel="email"} 2.0' in lines

    await until(is_open)
    [opened, *_] = (await house.system("/logs?event=breaker_opened"))["items"]
    assert opened["channel"] == "email"
    await house.server.start()
    await until(lambda: closed(house))
    assert len(await house.mailed("ada", 3)) == 3


async def closed(house: MailedHouse) -> bool:
    return bool((await house.system("/logs?event=breaker_closed"))["items"])


async def test_without_a_server_the_house_says_so_once_and_writes_nothing(
    database_dsn: str, tmp_path: Path, server: MailServer
) -> None:
    async with open_mailed(database_dsn, tmp_path, EmailSettings(), server) as house:
        ada = await house.person("ada")
        await house.notify(ada, "News", priority="critical")
        await house.call("POST", "/auth/password-reset", "", {"email": "ada@example.org"}, expect=202)
        await until(lambda: house.sql("select from notification where title = 'News'"))

        assert await house.sql("select from outgoing") == []
        assert "email" not in (await house.system("/info"))["outgoing"]
        assert len((await house.system("/logs?event=email_off"))["items"]) == 1
        assert (await house.call("GET", "/notifications/preferences", ada.token))["types"] == {}


async def test_with_a_server_the_house_says_that_mail_is_on(house: MailedHouse) -> None:
    assert "email" in (await house.system("/info"))["outgoing"]
