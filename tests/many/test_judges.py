"""Published clients, unmodified, that are cut off and come back to another house: every publication once, in order."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.many.front import Front
from tests.many.house import ManyHouses
from tests.realtime import node_scenarios, scenarios

Publish = Callable[[int], Awaitable[None]]


async def chat_in_the_first_house(houses: ManyHouses) -> tuple[str, str, Publish]:
    """Somebody's token, the channel of a chat of theirs, and a way to talk there."""
    ada = await houses[0].person("ada")
    body = {"kind": "group", "name": "Us", "members": []}
    chat_id = (await houses[0].call("POST", "/chats", ada.token, body, expect=201))["id"]

    async def publish(number: int) -> None:
        content = {"content": str(number)}
        await houses[0].call("POST", f"/chats/{chat_id}/messages", ada.token, content, expect=201)

    return ada.token, f"chat:{chat_id}", publish


def number_of(data: Any) -> int:
    """What was said."""
    return int(data["message"]["content"])


async def test_a_python_client_that_moves_from_house_to_house_misses_nothing(houses: ManyHouses) -> None:
    token, channel, publish = await chat_in_the_first_house(houses)
    async with Front.of([houses.socket_url(1), houses.socket_url(0)]) as front:
        seen = await scenarios.recovers_every_publication(front.url, token, channel, publish, 150, number_of)
        assert front.visits == [houses.socket_url(1), houses.socket_url(0), houses.socket_url(1)]
    assert seen.offsets == list(range(seen.offsets[0], seen.offsets[0] + 150))


@pytest.mark.node
async def test_a_javascript_client_that_moves_from_house_to_house_misses_nothing(houses: ManyHouses) -> None:
    token, channel, publish = await chat_in_the_first_house(houses)
    async with Front.of([houses.socket_url(1), houses.socket_url(0)]) as front:
        await node_scenarios.recovers_every_publication(front.url, token, channel, publish, 150, number_of)
        assert len(set(front.visits)) == 2


async def test_a_task_that_is_worked_on_through_all_houses_is_heard_in_order_in_each(houses: ManyHouses) -> None:
    root, ada = await houses[0].person("root", "super_admin"), await houses[0].person("ada")
    body: Any = {"name": "w", "scopes": ["worker"]}
    key = (await houses[0].call("POST", "/api-keys", root.token, body, expect=201))["key"]
    made = await houses[0].call("POST", "/tasks", ada.token, {"type": "t", "params": {}}, expect=201)
    wires = [await houses.wire(number, ada) for number in (0, 1)]
    channel = f"task:{made['id']}"
    for wire in wires:
        assert "subscribe" in await wire.ask(subscribe={"channel": channel})
    body = {"types": ["t"], "lease_seconds": 60, "wait_seconds": 2}
    [task] = (await houses[1].call("POST", "/tasks/lease", key, body))["tasks"]
    for percent in range(1, 31):
        body = {"lease": task["lease"], "percent": percent}
        await houses[percent % 2].call("PUT", f"/tasks/{task['id']}/progress", key, body)
    await houses[0].call("POST", f"/tasks/{task['id']}/complete", key, {"lease": task["lease"], "result": {}})
    for wire in wires:
        heard: list[Any] = []
        while not heard or heard[-1]["data"]["type"] != "task.completed":
            push = await wire.push()
            if push["channel"] == channel:
                heard.append(push["pub"])
        assert [one["offset"] for one in heard] == list(range(2, 34))
        progress = [one["data"]["progress"]["percent"] for one in heard if one["data"]["type"] == "task.progressed"]
        assert progress == list(range(1, 31))
