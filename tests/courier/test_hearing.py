"""Who hears of what: channels of territories, and inboxes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.courier_channels import CourierChannels
from storage.courier import CourierStore
from tests.courier.house import Chain, CourierHouse
from tests.notification.house import until
from tests.realtime.wire import Wire
from tests.system.house import Person

OFFER = b'{"type":"delivery.offered"}'


@pytest.fixture
async def wires() -> AsyncIterator[None]:
    yield
    while Wire.opened:
        await Wire.opened.pop().close()


async def connect(house: CourierHouse, person: Person) -> Wire:
    wire = await Wire.open(house.served.url.replace("http", "ws", 1) + "/connection/websocket")
    await wire.ask(connect={"token": person.token})
    return wire


async def code(wire: Wire, channel: str) -> int:
    return int((await wire.ask(subscribe={"channel": channel})).get("error", {"code": 0})["code"])


async def ended(wire: Wire) -> tuple[str, int]:
    """The next channel that is taken away, and why."""
    while True:
        line = wire.pushes.popleft() if wire.pushes else await wire.line()
        if (push := line.get("push")) and "unsubscribe" in push:
            return push["channel"], push["unsubscribe"]["code"]


@pytest.mark.usefixtures("wires")
async def test_couriers_listen_where_they_have_authority_and_nowhere_else(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    courier, stranger = await connect(post_house, chain.building), await connect(post_house, ada)

    for channel, expect in (
        ("PK5F", 0), ("PK5F3", 0), ("PK5F3D", 0), ("PK", 103), ("PK6A", 103), ("P", 103), ("", 102), ("pk5f", 102),
        ("PK5F3D7", 102), (chain.building.id, 102),
    ):  # fmt: skip
        assert await code(courier, f"courier:{channel}") == expect, channel
        assert await code(stranger, f"courier:{channel}") != 0
    post_house.served.house.realtime.hub.publish("courier:PK5F3D", 0, OFFER)
    while "pub" not in (line := await courier.line()).get("push", {}):
        pass
    assert line["push"]["channel"] == "courier:PK5F3D"


@pytest.mark.usefixtures("wires")
async def test_who_is_suspended_or_moved_hears_no_more(post_house: CourierHouse, chain: Chain) -> None:
    courier, above = await connect(post_house, chain.building), await connect(post_house, chain.area)
    for wire, channel in ((courier, "PK5F"), (courier, "PK5F3D"), (above, "PK5F"), (above, "PK6A")):
        assert await code(wire, f"courier:{channel}") == 0

    await post_house.patch(chain.area, f"/couriers/{chain.building.id}", {"prefixes": ["PK5F3"]})
    assert await ended(courier) == ("courier:PK5F", 2000)
    await post_house.post(chain.school, f"/couriers/{chain.building.id}/suspend", {"reason": "rest"})
    assert await ended(courier) == ("courier:PK5F3D", 2000)
    assert await code(courier, "courier:PK5F3D") == 103
    hub = post_house.served.house.realtime.hub
    assert hub.users("courier:PK5F") == hub.users("courier:PK6A") == {chain.area.id}


@pytest.mark.usefixtures("wires")
async def test_what_another_house_has_decided_is_found_in_the_rows(post_house: CourierHouse, chain: Chain) -> None:
    courier = await connect(post_house, chain.building)
    assert await code(courier, "courier:PK5F") == 0
    channels = CourierChannels(
        post_house.served.house.realtime.hub, CourierStore(post_house.served.house._core.base.database)
    )
    await channels.look()
    await post_house.sql("update courier set status = 'suspended' where user_id = $1", chain.building.id)
    await channels.look()
    assert await ended(courier) == ("courier:PK5F", 2000)
    await post_house.sql("update courier set status = 'active' where user_id = $1", chain.building.id)


async def titles(house: CourierHouse, person: Person) -> list[str]:
    entries = (await house.get(person, "/notifications"))["items"]
    return [entry["title"] for entry in entries if entry["type"] in {"courier", "op_code"}]


async def expect_titles(house: CourierHouse, person: Person, *expected: str) -> None:
    """Each of them once; in no order, since they may come of several streams."""

    async def are_there() -> bool:
        return len(await titles(house, person)) >= len(expected)

    await until(are_there)
    assert sorted(await titles(house, person)) == sorted(expected)


async def test_couriers_find_in_their_inbox_what_was_decided(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    path = f"/couriers/{chain.building.id}"
    await post_house.patch(chain.area, path, {"max_daily_tasks": 3})
    await post_house.patch(chain.area, path, {"prefixes": ["PK6A"]})
    await post_house.post(chain.area, f"{path}/suspend", {"reason": "rest"})
    await post_house.post(chain.area, f"{path}/resume")
    await expect_titles(
        post_house, chain.building, "You work as a courier again", "You are suspended as a courier",
        "Your territory has changed", "You are a building courier now",
    )  # fmt: skip
    asked: Any = await post_house.post(
        ada, "/couriers/applications", {"prefixes": ["PK5F"], "weekly_hours": 40}, expect=201
    )
    await post_house.post(chain.area, f"/couriers/applications/{asked['id']}/reject", {"reason": "too many"})
    await expect_titles(post_house, ada, "Your application was not approved")


async def test_applicants_for_points_hear_of_what_was_decided(
    post_house: CourierHouse, chain: Chain, ada: Person
) -> None:
    wish = {"school": "PK", "area": "5F", "type": "box", "name": "Box 7", "address": "Hall"}
    made = [await post_house.post(ada, "/op-codes/applications", wish, expect=201) for _ in range(2)]
    await post_house.post(chain.area, f"/op-codes/applications/{made[0]['id']}/approve", {"code": "77"})
    await post_house.post(chain.area, f"/op-codes/applications/{made[1]['id']}/reject", {"reason": "one is enough"})
    await post_house.post(chain.area, "/op-codes/PK5F77/release", {"reason": "rebuilt"})
    await expect_titles(
        post_house, ada, "Letters reach you at PK5F77 no longer", "Your application for Box 7 was not approved",
        "Letters reach you at PK5F77",
    )  # fmt: skip
