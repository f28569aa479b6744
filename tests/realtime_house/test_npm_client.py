"""The published JavaScript client, unmodified, against a running house."""

import asyncio

import pytest

from tests.realtime import node_scenarios as scenarios
from tests.realtime.node_judge import Judge
from tests.realtime_house.desk import Desk, percent_of

pytestmark = pytest.mark.node


async def test_progress_arrives_once_and_in_order_although_the_line_is_cut_twice(desk: Desk) -> None:
    ada = await desk.person()
    work = await desk.task(ada)

    async def publish(number: int) -> None:
        await work.progress(number + 1)

    await scenarios.recovers_every_publication(
        desk.socket_url, ada.token, work.channel, publish, 100, lambda data: percent_of(data) - 1
    )


async def test_everybody_hears_of_their_own_tasks_without_asking(desk: Desk) -> None:
    ada = await desk.person()
    async with Judge.watching(desk.socket_url, ada.token) as judge:
        await judge.order("connect")
        await judge.until("connected")
        work = await desk.task(ada)
        while (heard := await judge.until("own_publication"))["data"]["type"] != "task.changed":
            pass
        assert heard["channel"] == f"user:{ada.id}"
        assert (heard["data"]["task_id"], heard["data"]["status"]) == (work.id, "running")


async def test_operations_and_refusals_are_those_of_http(desk: Desk) -> None:
    ada, eve = await desk.person(), await desk.person()
    work, theirs = await desk.task(ada), await desk.task(eve)
    found = await scenarios.calls(desk.socket_url, ada.token, "task.get", {"task_id": work.id})
    assert found["data"] == await desk.call("GET", f"/tasks/{work.id}", ada.headers)
    status, message = await desk.status("GET", f"/tasks/{theirs.id}", ada.headers)
    refused = await scenarios.calls(desk.socket_url, ada.token, "task.get", {"task_id": theirs.id})
    assert (refused["code"], refused["message"]) == (1000 + status, message)


async def test_a_logout_ends_the_client_for_good(desk: Desk) -> None:
    ada = await desk.person()

    async def act() -> None:
        await desk.call("POST", "/auth/logout", ada.headers)

    await scenarios.is_ended_by(desk.socket_url, ada.token, act, 3500)
    await scenarios.is_refused(desk.socket_url, ada.token, 3500)


async def test_a_client_replaces_an_expired_token_and_refreshes_a_living_one(brief_desk: Desk) -> None:
    ada = await brief_desk.person()
    await asyncio.sleep(2.1)
    second, _ = await brief_desk.renewed(ada.refresh_token)
    async with Judge.watching(brief_desk.socket_url, ada.token, second, "forged") as judge:
        await judge.order("connect")
        await judge.until("connected")
        assert len(judge.all("token_asked")) == 1
        await judge.until("token_asked", 4)
        assert (await judge.until("disconnected"))["code"] == 3500
