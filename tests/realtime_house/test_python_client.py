"""The published Python client, unmodified, against a running house."""

import asyncio

import pytest
from centrifuge import Client, ReplyError

from tests.realtime import scenarios
from tests.realtime_house.desk import Desk, percent_of


async def test_progress_arrives_once_and_in_order_although_the_line_is_cut_twice(desk: Desk) -> None:
    ada = await desk.person()
    work = await desk.task(ada)

    async def publish(number: int) -> None:
        await work.progress(number + 1)

    seen = await scenarios.recovers_every_publication(
        desk.socket_url, ada.token, work.channel, publish, 100, lambda data: percent_of(data) - 1
    )
    assert seen.offsets == list(range(seen.offsets[0], seen.offsets[0] + 100))


async def test_everybody_hears_of_their_own_tasks_without_asking(desk: Desk) -> None:
    ada = await desk.person()
    async with scenarios.connected(desk.socket_url, ada.token) as (_, seen):
        work = await desk.task(ada)
        await work.complete()
        await scenarios.until(lambda: "completed" in [event.get("status") for event in seen.own])
        changes = [event["status"] for event in seen.own if event["type"] == "task.changed"]
        assert changes == ["running", "completed"]
        assert {event["task_id"] for event in seen.own if event["type"] == "task.changed"} == {work.id}


async def test_operations_answer_as_over_http(desk: Desk) -> None:
    ada = await desk.person()
    async with scenarios.connected(desk.socket_url, ada.token) as (client, _):
        made = (await client.rpc("task.create", {"type": "t", "params": {"a": 1}})).data
        assert made == await desk.call("GET", f"/tasks/{made['id']}", ada.headers)
        assert (await client.rpc("task.get", {"task_id": made["id"]})).data == made
        listed = (await client.rpc("notification.list", {})).data
        assert listed == await desk.call("GET", "/notifications", ada.headers)
        assert (await client.rpc("task.cancel", {"task_id": made["id"]})).data["status"] == "cancelled"


@pytest.mark.parametrize(
    ("method", "data", "over_http"),
    [
        ("task.get", {"task_id": "{theirs}"}, ("GET", "/tasks/{theirs}", None)),
        ("task.get", {"task_id": "{missing}"}, ("GET", "/tasks/{missing}", None)),
        ("task.cancel", {"task_id": "{done}"}, ("POST", "/tasks/{done}/cancel", None)),
        ("task.create", {"type": "t", "params": {}, "x": 1}, ("POST", "/tasks", {"type": "t", "params": {}, "x": 1})),
        ("task.create", {"params": {}}, ("POST", "/tasks", {"params": {}})),
    ],
)
async def test_a_refusal_is_the_same_as_over_http(
    desk: Desk, method: str, data: dict[str, object], over_http: tuple[str, str, object]
) -> None:
    ada, eve = await desk.person(), await desk.person()
    theirs, done = await desk.task(eve), await desk.task(ada)
    await done.complete()
    ids = {"theirs": theirs.id, "done": done.id, "missing": "00000000-0000-7000-8000-000000000009"}
    filled = {name: value.format_map(ids) if isinstance(value, str) else value for name, value in data.items()}
    verb, path, body = over_http
    status, message = await desk.status(verb, path.format_map(ids), ada.headers, body)
    with pytest.raises(ReplyError) as refused:
        await scenarios.calls(desk.socket_url, ada.token, method, filled)
    assert (refused.value.code, refused.value.message) == (1000 + status, message)


async def test_an_expired_token_is_replaced_and_a_living_one_refreshed_again_and_again(brief_desk: Desk) -> None:
    ada = await brief_desk.person()
    await asyncio.sleep(2.1)
    access, refresh = await brief_desk.renewed(ada.refresh_token)
    await scenarios.fetches_a_token(brief_desk.socket_url, ada.token, access)
    access, refresh = await brief_desk.renewed(refresh)
    seen = scenarios.Seen()

    async def renew() -> str:
        nonlocal refresh
        seen.tokens_asked += 1
        renewed, refresh = await brief_desk.renewed(refresh)
        return renewed

    client = Client(brief_desk.socket_url, events=seen, token=access, get_token=renew)
    await client.connect()
    await asyncio.sleep(4)
    assert (client.state.value, seen.connects, seen.disconnects) == ("connected", 1, [])
    assert seen.tokens_asked >= 2
    await scenarios.leave(client)
