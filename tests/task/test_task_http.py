"""Tasks as HTTP shows them."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession

from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from tests.task.house import TaskHouse
from tests.task.served import served

ROOT = Path(__file__).resolve().parents[2]


class Client:
    """Calls a house as somebody."""

    def __init__(self, http: ClientSession, url: str) -> None:
        self.url = url
        self._http = http

    async def __call__(
        self, method: str, path: str, body: Any = None, *, token: str = "ada", key: str | None = None
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        async with self._http.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers) as response:
            return response.status, await response.json()


@pytest.fixture
async def call(house: TaskHouse, ada: Caller) -> AsyncIterator[Client]:
    eve = await house.person(max_tasks=1)
    async with served(house, ada=ada, eve=eve) as url, ClientSession() as http:
        yield Client(http, url)
        house.bell.close()


NEW = {"type": "work", "params": {"x": [1, {"y": None}]}}


async def test_a_task_is_made_once_per_unique_key(call: Client) -> None:
    first = await call("POST", "/tasks", {**NEW, "unique_key": "k"})
    again = await call("POST", "/tasks", {**NEW, "unique_key": "k"})

    assert (first[0], again[0]) == (201, 200)
    assert first[1] == again[1] and first[1]["params"] == NEW["params"]


async def test_a_worker_that_has_left_is_given_nothing(call: Client, house: TaskHouse) -> None:
    body, head = b'{"types":["work"],"wait_seconds":30}', "POST /api/v1/tasks/lease HTTP/1.1\r\nHost: house\r\n"
    url = urlsplit(call.url)
    gone = []
    for _ in range(3):
        _, writer = await asyncio.open_connection(url.hostname, url.port)
        fields = (
            f"Authorization: Bearer worker\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write((head + fields).encode() + body)
        gone.append(writer)
    await until(lambda: len(house.bell._waiters.get("work", ())) == 3)
    for writer in gone:
        writer.close()
    await until(lambda: not house.bell.types())

    _, made = await call("POST", "/tasks", NEW)
    await asyncio.sleep(0.2)

    assert (await call("GET", f"/tasks/{made['id']}/status"))[1]["status"] == "pending"
    _, leased = await call("POST", "/tasks/lease", {"types": ["work"]}, token="worker")
    assert [(task["id"], task["attempt"]) for task in leased["tasks"]] == [(made["id"], 1)]


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that is about to be so."""
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_an_idempotency_key_shows_the_task_as_it_is_now(call: Client) -> None:
    status, made = await call("POST", "/tasks", NEW, key="a")
    await call("POST", f"/tasks/{made['id']}/cancel")

    assert await call("POST", "/tasks", NEW, key="a") == (
        status,
        {**made, **(await call("GET", f"/tasks/{made['id']}"))[1]},
    )
    assert (await call("POST", "/tasks", {**NEW, "priority": 1}, key="a"))[0] == 422


async def test_a_batch_answers_each_item_and_can_be_replayed(call: Client) -> None:
    status, made = await call("POST", "/tasks/batch", {"items": [NEW, NEW]}, token="eve", key="b")

    assert status == 200
    assert made["items"][0]["status"] == "pending" and made["items"][1] == {"code": "quota_exceeded"}
    assert (await call("POST", "/tasks/batch", {"items": [NEW, NEW]}, token="eve", key="b"))[1] == made


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/tasks", {**NEW, "colour": 1}, "$.colour"),
        ("/tasks", {"params": {}}, "$.type"),
        ("/tasks", {**NEW, "priority": 10}, "$.priority"),
        ("/tasks", {**NEW, "run_at": "2026-01-01T00:00:00"}, "$.run_at"),
        ("/tasks/batch", {"items": [NEW, {**NEW, "max_attempts": 0}]}, "$.items[1].max_attempts"),
        ("/tasks/batch", {"items": []}, "$.items"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_place(call: Client, path: str, body: Any, where: str) -> None:
    status, problem = await call("POST", path, body)

    assert status == 400 and problem["errors"][0]["path"] == where


async def test_only_workers_work(call: Client) -> None:
    _, task = await call("POST", "/tasks", NEW)
    lease = {"types": ["work"]}
    assert (await call("POST", "/tasks/lease", lease))[0] == 403

    _, leased = await call("POST", "/tasks/lease", lease, token="worker")
    [got] = leased["tasks"]
    assert got["id"] == task["id"] and {"lease", "lease_expires_at", "user_id"} < got.keys()
    progress = {"lease": got["lease"], "percent": 40, "phase": "x"}
    assert (await call("PUT", f"/tasks/{task['id']}/progress", progress))[0] == 403
    status, taken = await call("PUT", f"/tasks/{task['id']}/progress", progress, token="worker")
    assert status == 200 and taken["cancelled"] is False and taken["lease_expires_at"].endswith("Z")

    items = [{"id": task["id"], "lease": got["lease"], "result": 1}, {"id": uuid7(), "lease": uuid7(), "result": 1}]
    status, settled = await call("POST", "/tasks/settle", {"items": items}, token="worker")
    assert status == 200
    assert settled["items"] == [{"id": task["id"], "status": "completed"}, {"id": items[1]["id"], "code": "not_found"}]
    status, problem = await call(
        "POST", f"/tasks/{task['id']}/complete", {"lease": got["lease"], "result": 2}, token="worker"
    )
    assert (status, problem["code"], problem["from"], problem["to"]) == (409, "conflict", "completed", "completed")


async def test_a_task_its_history_and_its_list_read_alike(call: Client) -> None:
    _, task = await call("POST", "/tasks", NEW)

    assert await call("GET", f"/tasks/{task['id']}") == (200, task)
    assert (await call("GET", f"/tasks/{task['id']}/status"))[1]["progress"] == task["progress"]
    assert (await call("GET", "/tasks?status=pending&limit=1"))[1] == {"items": [task], "next_cursor": None}
    _, history = await call("GET", f"/tasks/{task['id']}/events")
    assert [moment["body"]["task"] for moment in history["items"]] == [task]
    assert (await call("GET", f"/tasks/{task['id']}", token="eve"))[0] == 404
    assert (await call("GET", "/tasks/nonsense"))[0] == 404


async def test_the_example_worker_works_and_stops_when_told(call: Client, house: TaskHouse) -> None:
    _, task = await call("POST", "/tasks", {"type": "words", "params": {"text": "to be or\nnot to be"}})
    worker = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "examples" / "worker.py"), "--url", call.url, "--api-key", "worker",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    for _ in range(200):
        _, seen = await call("GET", f"/tasks/{task['id']}")
        if seen["status"] == "completed":
            break
        await asyncio.sleep(0.05)
    assert seen["result"] == {"words": 6, "most_common": [["to", 2], ["be", 2], ["or", 1]]}

    worker.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(worker.wait(), 10) == 0
