"""A chat whose room lives in one house, and people who are connected to another."""

import asyncio
from typing import Any

from actors.runtime.placement.partitions import partition_of
from tests.many.house import ManyHouses, Person, Wire


async def group(houses: ManyHouses, owner: Person, *others: Person) -> str:
    """A group whose room lives in the first house."""
    body = {"kind": "group", "name": "Us", "members": [one.id for one in others]}
    while True:
        chat_id: str = (await houses[0].call("POST", "/chats", owner.token, body, expect=201))["id"]
        if partition_of("chat", chat_id) in (houses[0].house._core.mailboxes.partitions() or ()):
            return chat_id


async def say(houses: ManyHouses, chat_id: str, who: Person, content: str = "hello") -> None:
    """Send a message through the first house."""
    await houses[0].call("POST", f"/chats/{chat_id}/messages", who.token, {"content": content}, expect=201)


async def subscribed(houses: ManyHouses, number: int, who: Person, chat_id: str) -> Wire:
    """Connect to a house and watch a chat there."""
    wire = await houses.wire(number, who)
    reply = await wire.ask(subscribe={"channel": f"chat:{chat_id}"})
    assert "subscribe" in reply, reply
    return wire


async def told(wire: Wire, chat_id: str) -> dict[str, Any]:
    """The next push of a chat."""
    while (push := await wire.push())["channel"] != f"chat:{chat_id}":
        pass
    return push


async def test_messages_reach_members_in_other_houses_once_and_in_order(houses: ManyHouses) -> None:
    ada, ben = await houses[0].person("ada"), await houses[1].person("ben")
    chat_id = await group(houses, ada, ben)
    wires = [await subscribed(houses, number, who, chat_id) for number, who in ((0, ada), (1, ben), (1, ada))]
    await asyncio.gather(*(say(houses, chat_id, ada, str(number)) for number in range(50)))
    for wire in wires:
        publications = [(await told(wire, chat_id))["pub"] for _ in range(50)]
        assert [one["offset"] for one in publications] == list(
            range(publications[0]["offset"], publications[0]["offset"] + 50)
        )
        assert {one["data"]["message"]["content"] for one in publications} == set(map(str, range(50)))


async def test_a_membership_that_is_lost_is_felt_at_once_in_another_house(houses: ManyHouses) -> None:
    ada, ben, eva = await houses[0].person("ada"), await houses[1].person("ben"), await houses[1].person("eva")
    chat_id = await group(houses, ada, ben, eva)
    wire, other = await subscribed(houses, 1, ben, chat_id), await subscribed(houses, 1, eva, chat_id)
    await houses[0].call("DELETE", f"/chats/{chat_id}/members/{ben.id}", ada.token, expect=204)
    await say(houses, chat_id, ada)
    assert (await told(wire, chat_id))["unsubscribe"]["code"] == 2000
    assert [(await told(other, chat_id))["pub"]["data"]["type"] for _ in range(3)] == [
        "member.left", "message.created", "message.created",
    ]  # fmt: skip
    assert (await wire.ask(ping={}))["id"]
    assert not [push for push in wire.pushes if push["push"]["channel"] == f"chat:{chat_id}"]


async def test_a_removal_that_nobody_was_told_of_is_found_before_anything_that_follows(houses: ManyHouses) -> None:
    ada, ben = await houses[0].person("ada"), await houses[1].person("ben")
    chat_id = await group(houses, ada, ben)
    wire = await subscribed(houses, 1, ben, chat_id)
    hub = houses[0].house.realtime.hub
    neighbours, hub.neighbours = hub.neighbours, None
    await houses[0].call("DELETE", f"/chats/{chat_id}/members/{ben.id}", ada.token, expect=204)
    hub.neighbours = neighbours
    await say(houses, chat_id, ada)
    assert (await told(wire, chat_id))["unsubscribe"]["code"] == 2000
    await asyncio.sleep(0.2)
    assert (await wire.ask(ping={}))["id"]
    assert not [push for push in wire.pushes if push["push"]["channel"] == f"chat:{chat_id}"]


async def test_who_is_connected_to_another_house_is_online(houses: ManyHouses) -> None:
    ada, ben = await houses[0].person("ada"), await houses[1].person("ben")
    chat_id = await group(houses, ada, ben)

    async def member() -> Any:
        items = (await houses[0].call("GET", f"/chats/{chat_id}/members", ada.token))["items"]
        return next(item for item in items if item["user_id"] == ben.id)

    assert (await member())["online"] is False
    wire = await houses.wire(1, ben)
    await asyncio.sleep(0.05)
    assert (await member())["online"] is True
    await wire.close()
    await asyncio.sleep(1.2)
    gone = await member()
    assert gone["online"] is False and gone["last_seen_at"] is not None


async def test_who_watches_in_another_house_needs_no_entry(houses: ManyHouses) -> None:
    ada, ben, eva = await houses[0].person("ada"), await houses[1].person("ben"), await houses[1].person("eva")
    chat_id = await group(houses, ada, ben, eva)
    wire = await subscribed(houses, 1, ben, chat_id)
    await say(houses, chat_id, ada)
    await say(houses, chat_id, ada)
    for _ in range(2):
        assert (await told(wire, chat_id))["pub"]

    async def entries(who: Person) -> list[str]:
        items = (await houses[0].call("GET", "/notifications?limit=100", who.token))["items"]
        return [item["type"] for item in items if item["data"].get("chat_id") == chat_id and item["type"] == "message"]

    async with asyncio.timeout(5):
        while await entries(eva) != ["message"]:
            await asyncio.sleep(0.05)
    assert await entries(ben) == []
