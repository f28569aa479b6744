"""The worker: what it sends, tries again, gives up, and sends only once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from msgspec.structs import replace

from actors.messages.notification import Channel
from actors.outgoing.delivery import Delivery
from actors.outgoing.port import Parcel, Reach, Recipient, Rejected
from storage.outgoing import OutgoingStore
from tests.notification.house import until
from tests.outgoing.world import QUICK, World, utc_now


@asynccontextmanager
async def running(*deliveries: Delivery) -> AsyncIterator[None]:
    """Workers that are cancelled at the end."""
    tasks = [asyncio.create_task(delivery.run()) for delivery in deliveries]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def ended(world: World, state: str, count: int = 1) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return [row[0] for row in await world.rows("state")] == [state] * count

    return check


async def test_a_mail_arrives_and_its_row_forgets_what_it_said(world: World) -> None:
    ada = await world.person("ada")
    [row_id] = await world.write(ada, "News")
    async with running(world.delivery()):
        await until(ended(world, "sent"))

    [mail] = world.server.mails
    assert (mail["To"], mail["From"], mail["Subject"]) == ("ada@example.org", "Posthouse <post@house.example>", "News")
    assert mail["Message-ID"] == f"<{row_id}@house.example>"
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Date"]
    assert await world.rows("title", "attempts", "error") == [("", 1, None)]


async def test_what_waits_for_one_person_is_one_mail(world: World) -> None:
    ada, ben = await world.person("ada"), await world.person("ben")
    await world.write(ada, "1", "2", "3", gather=True)
    await world.sql("update outgoing set due_at = now() + interval '1 hour' where title = '3'")
    await world.write(ben, "other", gather=True)
    await world.delivery().look()

    assert {str(mail["To"]): str(mail["Subject"]) for mail in world.server.mails} == {
        "ada@example.org": "3 new notifications: 1, 2, 3",
        "ben@example.org": "other",
    }
    assert await ended(world, "sent", 4)()


async def test_a_digest_that_failed_once_does_not_grow(world: World) -> None:
    ada = await world.person("ada")
    await world.write(ada, "1", "2", gather=True)
    world.server.refusals["ada@example.org"] = "451 later"
    delivery = world.delivery()
    await delivery.look()
    world.server.refusals.clear()
    await world.write(ada, "3", gather=True)
    async with running(delivery):
        await until(ended(world, "sent", 3))

    assert sorted(await world.subjects()) == ["2 new notifications: 1, 2", "3"]


async def test_a_server_that_was_down_gets_everything_once_and_nothing_has_died(world: World) -> None:
    ada = await world.person("ada")
    await world.write(ada, *(f"mail {n}" for n in range(6)))
    await world.server.stop()
    delivery = world.delivery(replace(QUICK, attempts=2, retry_seconds=[0.3]))
    async with running(delivery):
        await until(lambda: opened(delivery))
        await asyncio.sleep(1.0)  # many times longer than all attempts would take
        assert {row[0] for row in await world.rows("state")} == {"waiting"}
        await world.server.start()
        await until(ended(world, "sent", 6))

    assert sorted(await world.subjects()) == [f"mail {n}" for n in range(6)]
    assert delivery.statistics()["breaker"] == 0


async def opened(delivery: Delivery) -> bool:
    return delivery.statistics()["breaker"] == 2


async def test_while_the_breaker_is_open_nobody_calls_the_server(world: World) -> None:
    ada = await world.person("ada")
    await world.write(ada, *"12345678")
    await world.server.stop()
    delivery = world.delivery(replace(QUICK, breaker_seconds=60.0))
    await delivery.look()
    await world.server.start()
    for _ in range(5):
        assert 0 < (await delivery.look() or 0) <= QUICK.poll_seconds

    assert (world.server.mails, delivery.statistics()["breaker"]) == ([], 2)
    assert 2 <= sum(row[0] for row in await world.rows("attempts")) <= 4  # those of the first look


async def test_who_is_refused_is_dead_at_once_and_others_get_theirs(world: World) -> None:
    ada, ben = await world.person("ada"), await world.person("ben")
    world.server.refusals["ada@example.org"] = "550 5.1.1 <ada@example.org> is nobody here"
    await world.write(ada, "1")
    await world.write(ben, "2")
    delivery = world.delivery()
    await delivery.look()

    assert await world.rows("state", "attempts") == [("dead", 1), ("sent", 1)]
    [error] = (row[0] for row in await world.rows("error") if row[0])
    assert "550" in error and "ada@" not in error and "ad***@example.org" in error
    assert delivery.statistics() == {"sent": 1, "failed": 0, "dead": 1, "dropped": 0, "breaker": 0}


async def test_who_is_to_come_later_is_tried_until_the_attempts_are_used_up(world: World) -> None:
    ada = await world.person("ada")
    world.server.refusals["ada@example.org"] = "451 greylisted"
    await world.write(ada, "1")
    delivery = world.delivery()
    async with running(delivery):
        await until(ended(world, "dead"))

    assert await world.rows("attempts") == [(QUICK.attempts,)]
    assert delivery.statistics()["breaker"] == 0  # the server is well: it answers
    assert world.server.mails == []


async def test_a_refusal_after_the_content_is_one_too(world: World) -> None:
    ada = await world.person("ada")
    world.server.after_data = "554 looks like spam"
    await world.write(ada, "1")
    await world.delivery().look()

    assert await world.rows("state") == [("dead",)]


async def test_a_server_that_is_slow_is_left_after_a_while_and_tried_again(world: World) -> None:
    ada = await world.person("ada")
    world.server.delay_seconds = 5.0
    await world.write(ada, "1")
    await world.delivery(replace(QUICK, send_seconds=0.2)).look()
    assert await world.rows("state", "attempts", "error") == [("waiting", 1, "TimeoutError")]

    world.server.delay_seconds = 0.0
    async with running(world.delivery()):
        await until(ended(world, "sent"))
    assert await world.subjects() == ["1"]


async def test_two_houses_send_everything_once(world: World) -> None:
    people = [await world.person(f"p{n}") for n in range(10)]
    for person in people:
        await world.write(person, "a", "b", gather=True)
        await world.write(person, "single")
    async with running(*(world.delivery() for _ in range(3))):
        await until(ended(world, "sent", 30))

    sent = [(str(mail["To"]), str(mail["Subject"])) for mail in world.server.mails]
    assert len(sent) == len(set(sent)) == 20


async def test_what_a_dead_house_had_sent_and_not_marked_comes_once_more_under_the_same_id(world: World) -> None:
    ada = await world.person("ada")
    await world.write(ada, "1")
    settings = replace(QUICK, send_seconds=0.2, lease_seconds=0.5, poll_seconds=60.0)  # the lease's end is known

    class DiesBeforeTheMark(OutgoingStore):
        async def end(self, *_: object) -> None:
            raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        await world.delivery(settings, store=DiesBeforeTheMark(world.database)).look()
    assert await world.rows("state") == [("waiting",)]
    async with running(world.delivery(settings)):
        await until(ended(world, "sent"))
        await asyncio.sleep(0.8)  # longer than the lease: nobody takes it again

    first, second = (mail["Message-ID"] for mail in world.server.mails)
    assert first == second


async def test_what_ends_every_house_that_tries_it_is_tried_no_more(world: World) -> None:
    ada = await world.person("ada")
    await world.write(ada, "1")
    await world.sql("update outgoing set attempts = $1, leased_until = now()", QUICK.attempts)
    await world.delivery().look()

    assert (await world.rows("state"), world.server.connections) == ([("dead",)], 0)


async def test_who_has_no_proved_address_or_is_blocked_gets_nothing(world: World) -> None:
    ada, ben, eve = await world.person("ada"), await world.person("ben"), await world.person("eve")
    await world.sql("update account set email_verified_at = null where id = $1", ada)
    await world.sql("update account set email = null where id = $1", ben)
    await world.sql("update account set status = 'blocked' where id = $1", eve)
    for person in (ada, ben, eve):
        await world.write(person, "News")
    await world.delivery().look()

    assert await world.rows("state", "error") == [
        ("dropped", "the e-mail address was not verified"),
        ("dropped", "no e-mail address"),
        ("dropped", "the account is blocked"),
    ]
    assert world.server.mails == []


async def test_what_is_under_way_while_the_house_stops_is_sent_and_marked(world: World) -> None:
    ada = await world.person("ada")
    world.server.delay_seconds = 0.5
    await world.write(ada, "1")
    async with running(world.delivery()):
        await until(lambda: world.sql("select from outgoing where lease is not null"))

    assert (await world.subjects(), await world.rows("state")) == (["1"], [("sent",)])


async def test_what_has_ended_is_forgotten_after_its_time_and_nothing_else(world: World) -> None:
    ada = await world.person("ada")
    ids = await world.write(ada, *"abcdef")
    for id_, state, days in zip(ids[:5], ("sent", "dropped", "dead", "sent", "dead"), (8, 8, 8, 6, 6), strict=True):
        await world.sql(
            "update outgoing set state = $2, ended_at = now() - make_interval(days => $3) where id = $1",
            id_,
            state,
            days,
        )
    week_ago = utc_now() - timedelta(days=7)
    assert await world.store.delete_old(week_ago, 1) == 1
    assert await world.store.delete_old(week_ago, 10) == 1
    assert await world.rows("state") == [("dead",), ("sent",), ("dead",), ("waiting",)]
    assert await world.store.delete_old_dead(week_ago, 10) == 1
    assert await world.rows("state") == [("sent",), ("dead",), ("waiting",)]


class Telegraph:
    """A channel of this test's own: people have several addresses, and some of them are refused."""

    channel: Channel = "push"

    def __init__(self) -> None:
        self.addresses = ["here", "there", "gone"]
        self.sent: list[str] = []
        self.is_there_well = False

    async def reach(self, recipient: Recipient) -> Reach:
        del recipient
        return Reach("ada", self.addresses)

    async def forget(self, user_id: str, address: str) -> None:
        del user_id
        self.addresses.remove(address)

    async def send(self, parcel: Parcel) -> None:
        if parcel.address == "gone":
            raise Rejected("410", address_is_gone=True)
        if parcel.address == "there" and not self.is_there_well:
            raise ConnectionError("not yet")
        self.sent.append(parcel.address)


async def test_each_of_several_addresses_gets_it_once_whatever_happens_to_the_others(world: World) -> None:
    ada = await world.person("ada")
    await world.write(ada, "News", channel="push")
    telegraph = Telegraph()
    async with running(world.worker(telegraph, telegraph, replace(QUICK, attempts=50))):
        await until(lambda: has_states(world, ["dead", "sent", "waiting"]))
        telegraph.is_there_well = True
        await until(lambda: has_states(world, ["dead", "sent", "sent"]))

    assert sorted(telegraph.sent) == ["here", "there"]
    assert telegraph.addresses == ["here", "there"]


async def has_states(world: World, states: list[str]) -> bool:
    return sorted(row[0] for row in await world.rows("state")) == states
