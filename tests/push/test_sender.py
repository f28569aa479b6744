"""What reaches a push service, judged by a push service; and what becomes of its answers."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from actors.outgoing.port import Deferred, Recipient, Rejected
from actors.outgoing.push import PushSender, VapidKey, make_vapid_key
from actors.outgoing.push.hosts import FAILURES, MOST_HOSTS, Hosts
from actors.public_addresses import open_session
from actors.runtime.clock import SystemClock
from tests.push.browser import PushService
from tests.push.house import PATH, PushingHouse, parcel


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(allow_private=True, timeout_seconds=2, connections=4) as opened:
        yield opened


@pytest.fixture
def sender(house: PushingHouse, session: aiohttp.ClientSession) -> PushSender:
    return house.sender(session)


async def test_a_browser_is_given_the_notification(
    house: PushingHouse, service: PushService, sender: PushSender
) -> None:
    browser, push_id = await house.open_browser(house.served.ada, service)

    await sender.send(parcel(house.served.ada, push_id))

    [pushed] = browser.pushed
    assert pushed.message == {
        "id": "notice", "type": "system", "title": "Hello", "body": "How are you?", "data": {"a": [1]}
    }  # fmt: skip
    assert (pushed.claims["aud"], pushed.claims["sub"]) == (service.url, "mailto:post@example.org")
    assert (pushed.headers["TTL"], pushed.headers["Urgency"]) == ("86400", "normal")


async def test_an_endpoint_is_called_letter_by_letter(
    house: PushingHouse, service: PushService, sender: PushSender
) -> None:
    """Some push services put escaped tokens into the query, and know no other spelling of them."""
    _, push_id = await house.open_browser(house.served.ada, service)
    query = "?token=BQ%2b%2f%3d&x=a+b%20c"
    await house.sql("update push set endpoint = endpoint || $1", query)

    await sender.send(parcel(house.served.ada, push_id))

    assert service.paths[0].endswith(query)


async def test_a_statement_of_another_house_is_noticed_by_the_judge(
    house: PushingHouse, service: PushService, session: aiohttp.ClientSession
) -> None:
    _, push_id = await house.open_browser(house.served.ada, service)
    other = PushSender(house.store, VapidKey(make_vapid_key(), ""), session, SystemClock(), 60)

    with pytest.raises(Rejected, match="400"):
        await other.send(parcel(house.served.ada, push_id))

    assert len(service.faults) == 1
    service.faults.clear()


async def test_old_keys_are_noticed_by_the_judge_and_new_ones_are_taken(
    house: PushingHouse, service: PushService, sender: PushSender
) -> None:
    browser, push_id = await house.open_browser(house.served.ada, service)
    browser.renew_keys()
    with pytest.raises(Rejected, match="400"):
        await sender.send(parcel(house.served.ada, push_id))
    assert "InvalidTag" in service.faults.pop()

    await house.subscribe(house.served.ada, browser.subscription, expect=200)
    await sender.send(parcel(house.served.ada, push_id))

    assert [shown["title"] for shown in browser.shown] == ["Hello"]


@pytest.mark.parametrize(
    ("priority", "urgency"), [("low", "low"), ("normal", "normal"), ("high", "high"), ("critical", "high")]
)
async def test_urgency_follows_priority_and_only_what_is_critical_replaces_nothing(
    house: PushingHouse, service: PushService, sender: PushSender, priority: Any, urgency: str
) -> None:
    browser, push_id = await house.open_browser(house.served.ada, service)
    for kind in ("system", "message"):
        await sender.send(parcel(house.served.ada, push_id, priority=priority, type=kind))

    one, two = (pushed.headers for pushed in browser.pushed)

    assert one["Urgency"] == urgency
    assert ("Topic" in one) == (priority != "critical")
    if "Topic" in one:
        assert len(one["Topic"]) == 32
        assert one["Topic"] != two["Topic"]


async def test_what_is_too_large_for_a_push_service_goes_again_smaller(
    house: PushingHouse, service: PushService, sender: PushSender
) -> None:
    browser, push_id = await house.open_browser(house.served.ada, service)
    service.most_bytes = 2_000

    await sender.send(parcel(house.served.ada, push_id, body="x" * 4_000))

    assert [pushed.status for pushed in browser.pushed] == [413, 201]
    assert browser.shown[0]["body"].endswith("…")


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_gone_is_said_to_be_gone(
    house: PushingHouse, service: PushService, sender: PushSender, status: int
) -> None:
    ada = house.served.ada
    browser, push_id = await house.open_browser(ada, service)
    browser.answers = [(status, {})]

    with pytest.raises(Rejected) as refusal:
        await sender.send(parcel(ada, push_id))
    assert refusal.value.address_is_gone

    await house.book.forget(ada.id, push_id)
    assert await house.listed(ada) == []
    await house.book.forget(ada.id, push_id)  # again is a no-op
    with pytest.raises(Rejected):
        await sender.send(parcel(ada, push_id))
    assert len(browser.pushed) == 1


@pytest.mark.parametrize("status", [307, 400, 401, 403])
async def test_a_refusal_ends_the_parcel_and_not_the_subscription(
    house: PushingHouse, service: PushService, sender: PushSender, status: int
) -> None:
    browser, push_id = await house.open_browser(house.served.ada, service)
    browser.answers = [(status, {"Location": browser.endpoint})]

    with pytest.raises(Rejected) as refusal:
        await sender.send(parcel(house.served.ada, push_id))

    assert not refusal.value.address_is_gone
    assert len(browser.pushed) == 1  # no redirect is followed
    assert browser.token not in str(refusal.value)


@pytest.mark.parametrize(("status", "asked", "after"), [(429, "7", 7), (503, "999999999", 86_400), (500, "soon", 0)])
async def test_trouble_of_a_push_service_defers(
    house: PushingHouse, service: PushService, sender: PushSender, status: int, asked: str, after: float
) -> None:
    browser, push_id = await house.open_browser(house.served.ada, service)
    browser.answers = [(status, {"Retry-After": asked})]

    with pytest.raises(Deferred) as answer:
        await sender.send(parcel(house.served.ada, push_id))

    assert answer.value.after_seconds == after


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1/x", "http://127.1:1/x", "http://nowhere.invalid/x"])
async def test_a_push_service_that_is_not_there_is_no_trouble_of_the_channel(
    house: PushingHouse, service: PushService, sender: PushSender, endpoint: str
) -> None:
    _, push_id = await house.open_browser(house.served.ada, service)
    await house.sql("update push set endpoint = $1", endpoint)

    with pytest.raises((Deferred, Rejected)) as answer:
        await sender.send(parcel(house.served.ada, push_id))

    assert "127" not in str(answer.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_no_connection_is_made_to_a_private_address(house: PushingHouse, service: PushService, host: str) -> None:
    """The plant: the endpoint stands in its row, as if its name had led elsewhere when it was looked at."""
    ada = house.served.ada
    browser, push_id = await house.open_browser(ada, service)
    await house.sql("update push set endpoint = replace(endpoint, '127.0.0.1', $1)", host)
    async with open_session(allow_private=False, timeout_seconds=2, connections=4) as strict:
        with pytest.raises(Rejected, match="no public address") as refusal:
            await house.sender(strict).send(parcel(ada, push_id))

    assert not refusal.value.address_is_gone
    assert browser.pushed == []


async def test_a_person_is_reached_through_every_subscription(house: PushingHouse, service: PushService) -> None:
    ada = house.served.ada
    nobody = await house.book.reach(Recipient(ada.id, "system"))
    ids = {(await house.open_browser(ada, service))[1] for _ in range(2)}

    reach = await house.book.reach(Recipient(ada.id, "system"))

    assert (nobody.addresses, nobody.reason) == ([], "no subscription")
    assert (reach.username, set(reach.addresses)) == ("ada", ids)
    await house.call("PATCH", f"/users/{ada.id}/status", house.served.admin.token, {"status": "blocked"})
    assert not (await house.book.reach(Recipient(ada.id, "system"))).addresses


async def test_a_subscription_that_changed_hands_is_no_address_of_the_first_person(
    house: PushingHouse, service: PushService, sender: PushSender
) -> None:
    ada, ben = house.served.ada, await house.served.person("ben")
    browser, push_id = await house.open_browser(ada, service)
    taken = await house.call("POST", PATH, ben.token, browser.subscription, expect=201)

    for address in (push_id, taken["id"]):
        with pytest.raises(Rejected, match="ended"):
            await sender.send(parcel(ada, address))
    assert browser.pushed == []


async def test_a_push_service_that_does_not_answer_is_left_alone_and_others_are_not(
    house: PushingHouse, service: PushService, session: aiohttp.ClientSession
) -> None:
    ada, clock = house.served.ada, SettableClock()
    sender = PushSender(house.store, house.key, session, clock, 60)
    browser, push_id = await house.open_browser(ada, service)
    _, gone_id = await house.open_browser(ada, service)
    await house.sql("update push set endpoint = 'http://nowhere.invalid/x' where id = $1", gone_id)
    for _ in range(FAILURES):
        with pytest.raises(Deferred, match="did not answer"):
            await sender.send(parcel(ada, gone_id))

    with pytest.raises(Deferred, match="left alone") as answer:
        await sender.send(parcel(ada, gone_id))

    assert 0 < answer.value.after_seconds <= 30
    await sender.send(parcel(ada, push_id))
    assert len(browser.shown) == 1
    clock.seconds += 31
    with pytest.raises(Deferred, match="did not answer"):
        await sender.send(parcel(ada, gone_id))


def test_only_the_hosts_used_last_are_remembered() -> None:
    hosts = Hosts(lambda: 0.0)
    first = hosts.breaker("0")
    for number in range(MOST_HOSTS - 1):
        hosts.breaker(str(number))
    assert hosts.breaker("0") is first
    for number in range(1, MOST_HOSTS + 1):
        hosts.breaker(str(number))
    assert hosts.breaker("0") is not first


class SettableClock(SystemClock):
    """Later, when a test says so."""

    seconds = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.seconds
