"""The worker library against a real house over a real socket."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from actors.messages.task import CancelTask
from actors.runtime.message import Caller
from examples.posthouse_worker import TaskCancelled, TaskFailed, Worker
from tests.task.house import TaskHouse
from tests.task.served import served

Create = Callable[..., Any]


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[None]:
    """Let it work, and stop it in the end."""
    at_work = asyncio.create_task(worker.serve())
    await asyncio.sleep(0)
    yield
    if not at_work.done():
        worker.stop()
    await asyncio.wait_for(at_work, 20)


async def ends(house: TaskHouse, task_id: str, status: str = "completed", within_seconds: float = 10) -> dict[str, Any]:
    """The task, once it has come to a status."""
    ends_at = time.monotonic() + within_seconds
    while time.monotonic() < ends_at:
        task = await house.get(task_id)
        if task["status"] == status:
            return task
        await asyncio.sleep(0.02)
    raise AssertionError(f"still {task}")


@pytest.fixture
async def url(house: TaskHouse, ada: Caller) -> AsyncIterator[str]:
    async with served(house, ada=ada) as address:
        yield address
        house.bell.close()


async def test_an_async_function_reports_progress_and_its_result(house: TaskHouse, ada: Caller, url: str) -> None:
    worker = Worker(url, "worker", poll_seconds=0.2, name="w")

    @worker.task("work")
    async def work(task: Any, progress: Any) -> Any:
        await progress(40, phase="upscaling")
        await progress(80, phase="saving", message="almost")
        return {"x": task.params["x"] + 1, "attempt": task.attempt, "owner": task.user_id}

    async with working(worker):
        task = await house.create(ada)
        done = await ends(house, task["id"])

    assert done["result"] == {"x": 2, "attempt": 1, "owner": ada.user_id}
    told = [body["progress"] for _, kind, body in await house.events(task["id"]) if kind == "task.progressed"]
    assert [(p["percent"], p["phase"], p["message"]) for p in told] == [
        (40, "upscaling", None),
        (80, "saving", "almost"),
    ]


async def test_a_plain_function_runs_in_a_thread(house: TaskHouse, ada: Caller, url: str) -> None:
    worker = Worker(url, "worker", poll_seconds=0.2)

    @worker.task("work")
    def work(_: Any, progress: Any) -> Any:
        progress(50, phase="half")
        return threading.current_thread() is threading.main_thread()

    async with working(worker):
        task = await house.create(ada)
        assert (await ends(house, task["id"]))["result"] is False

    assert "task.progressed" in [kind for _, kind, _ in await house.events(task["id"])]


async def test_failures_say_why_and_whether_to_try_again(house: TaskHouse, ada: Caller, url: str) -> None:
    worker = Worker(url, "worker", poll_seconds=0.2)

    @worker.task("final")
    async def final(*_: Any) -> None:
        raise TaskFailed("no_such_file", "f-17")

    @worker.task("broken")
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("by zero")

    @worker.task("odd")
    async def odd(*_: Any) -> Any:
        return object()

    async with working(worker):
        tasks = [await house.create(ada, type=kind) for kind in ("final", "broken", "odd")]
        dead = await ends(house, tasks[0]["id"], "failed")
        bad = await ends(house, tasks[2]["id"], "failed")

    assert dead["error"] == {"code": "no_such_file", "message": "f-17"}
    assert bad["error"]["code"] == "bad_result"
    again = await house.get(tasks[1]["id"])
    assert (again["status"], again["error"]) == ("pending", {"code": "ZeroDivisionError", "message": "by zero"})


async def test_many_tasks_are_each_done_once(house: TaskHouse, ada: Caller, url: str) -> None:
    worker, seen = Worker(url, "worker", poll_seconds=0.2, concurrency=50), []

    @worker.task("work")
    async def work(task: Any, _: Any) -> None:
        seen.append(task.id)

    tasks = await asyncio.gather(*(house.create(ada) for _ in range(300)))
    async with working(worker):
        await asyncio.gather(*(ends(house, task["id"]) for task in tasks))

    assert sorted(seen) == sorted(task["id"] for task in tasks)


async def test_a_cancelled_task_stops_its_function(house: TaskHouse, ada: Caller, url: str) -> None:
    worker, stopped = Worker(url, "worker", poll_seconds=0.2, lease_seconds=5), []

    @worker.task("work")
    async def work(*_: Any) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.append("async")
            raise

    @worker.task("threaded")
    def threaded(_: Any, progress: Any) -> None:
        try:
            for step in range(10_000):
                progress(step / 100)
                time.sleep(0.03)
        except TaskCancelled:
            stopped.append("thread")
            raise

    async with working(worker):
        tasks = [await house.create(ada), await house.create(ada, type="threaded")]
        for task in tasks:
            await ends(house, task["id"], "running")
            await house.ask(CancelTask(task_id=task["id"]), ada)
        ends_at = time.monotonic() + 8
        while len(stopped) < 2 and time.monotonic() < ends_at:
            await asyncio.sleep(0.05)

    assert sorted(stopped) == ["async", "thread"]
    assert [(await house.get(task["id"]))["status"] for task in tasks] == ["cancelled", "cancelled"]


async def test_heartbeats_keep_the_lease_of_a_function_that_says_nothing(
    house: TaskHouse, ada: Caller, url: str
) -> None:
    worker = Worker(url, "worker", poll_seconds=0.2, lease_seconds=5)

    @worker.task("work")
    async def work(*_: Any) -> str:
        await asyncio.sleep(6.5)
        return "late"

    sweeping = asyncio.create_task(house.sweeper.run())
    async with working(worker):
        task = await house.create(ada)
        done = await ends(house, task["id"], within_seconds=12)
    sweeping.cancel()

    assert done["result"] == "late" and done["attempt"] == 1


async def test_it_finishes_what_it_has_begun_when_it_is_stopped(house: TaskHouse, ada: Caller, url: str) -> None:
    worker, begun = Worker(url, "worker", poll_seconds=0.2), asyncio.Event()

    @worker.task("work")
    async def work(*_: Any) -> str:
        begun.set()
        await asyncio.sleep(0.3)
        return "done"

    async with working(worker):
        task = await house.create(ada)
        await begun.wait()

    assert (await house.get(task["id"]))["result"] == "done"


async def test_it_comes_back_by_itself_when_the_house_does(
    house: TaskHouse, ada: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with served(house) as address:
        worker = Worker(address, "worker", poll_seconds=0.2)
        port = int(address.rpartition(":")[2])
        release = asyncio.Event()

        @worker.task("work")
        async def work(*_: Any) -> str:
            await release.wait()
            return "kept"

        at_work = asyncio.create_task(worker.serve())
        task = await house.create(ada)
        await ends(house, task["id"], "running")
    release.set()
    await asyncio.sleep(1)
    async with served(house, port=port):
        assert (await ends(house, task["id"], within_seconds=15))["result"] == "kept"
        house.bell.close()
        worker.stop()
        await asyncio.wait_for(at_work, 20)

    assert sum("failed, trying again until it works" in line for line in caplog.messages) >= 1
    assert any("works again" in line for line in caplog.messages)
