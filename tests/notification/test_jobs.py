"""Notifying many: progress, people who do not exist, everybody, and going on after an interruption."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from actors.messages.notification import ContinueJob, NotificationJob, NotifyMany
from actors.notification import job as jobs
from actors.runtime.ids import uuid7
from actors.runtime.message import SYSTEM
from tests.notification.house import ADMIN, NotifiedHouse, until
from tests.running import RunningHouse, end

PEOPLE = 3_000


async def notify(house: NotifiedHouse, **fields: object) -> str:
    await asyncio.sleep(0.002)  # ids tell to the millisecond who was there first
    message = NotifyMany(**{"title": "Maintenance", **fields})  # type: ignore[arg-type]
    job_id: str = (await house.refs("notifications").ask(message, ADMIN)).job_id
    return job_id


async def finished(house: NotifiedHouse, job_id: str) -> NotificationJob:
    async def look() -> NotificationJob | None:
        job = await house.job(job_id)
        return job if job.status == "finished" else None

    done: NotificationJob = await until(look)
    return done


async def test_people_who_do_not_exist_count_as_failed(house: NotifiedHouse) -> None:
    ada, ben = await house.person(), await house.person()
    to = [ada.user_id, uuid7(), ben.user_id, uuid7(), ada.user_id]

    job = await finished(house, await notify(house, to=to, body="Tonight", data={"minutes": 10}, priority="high"))

    assert (job.total, job.done, job.failed) == (4, 2, 2)
    for person in (ada, ben):
        [entry] = await house.entries(person)
        assert (entry.type, entry.title, entry.body, entry.data, entry.priority) == (
            "system", "Maintenance", "Tonight", {"minutes": 10}, "high",
        )  # fmt: skip


async def test_everybody_is_notified_step_by_step(house: NotifiedHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "STEP", 10)
    people = [await house.person() for _ in range(25)]

    job = await finished(house, await notify(house, to="all"))

    assert (job.total, job.done, job.failed) == (25, 25, 0)
    assert {len(await house.entries(person)) for person in people} == {1}
    rows = await house.sql("select body from event where type = 'notification_job.advanced'")
    assert len(rows) == 3


async def test_whoever_comes_after_the_start_is_not_notified(
    house: NotifiedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "STEP", 5)
    await house.people([uuid7() for _ in range(20)])
    job_id = await notify(house, to="all")
    await asyncio.sleep(0.002)
    late = await house.person()

    job = await finished(house, job_id)

    assert (job.total, job.done) == (20, 20)
    assert await house.entries(late) == []


async def test_a_job_without_people_is_finished_at_once(house: NotifiedHouse) -> None:
    assert (await house.job(await notify(house, to="all"))).status == "finished"


async def test_an_interrupted_job_goes_on_and_notifies_nobody_twice(
    house: NotifiedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain of steps breaks: what a crash of the house leaves behind. The job's durable timer takes it up."""
    monkeypatch.setattr(jobs, "STEP", 10)
    people = [await house.person() for _ in range(30)]
    go_on = jobs.NotificationJobs._go_on
    monkeypatch.setattr(jobs.NotificationJobs, "_go_on", lambda *_: lambda: None)
    job_id = await notify(house, to="all")
    house.refs("notification_job", job_id).tell(ContinueJob(job_id=job_id), SYSTEM)
    await until(lambda: _done(house, job_id, 10))
    assert (await house.job(job_id)).status == "running"
    await house.sql("update notification_job set position = '', done = 0, n = 1 where id = $1", job_id)
    await house.sql("delete from event where stream = $1 and n > 1", f"notification_job:{job_id}")
    await _forget(house, job_id)  # as if the house had died after the inboxes, and before the job, had committed

    monkeypatch.setattr(jobs.NotificationJobs, "_go_on", go_on)
    await house.sql("update timer set due_at = now() where key = $1", job_id)
    house.house._core.timers.wake()

    job = await finished(house, job_id)
    assert (job.total, job.done, job.failed) == (30, 30, 0)
    assert await house.sql("select id from timer") == []
    assert {len(await house.entries(person)) for person in people} == {1}


async def _done(house: NotifiedHouse, job_id: str, count: int) -> bool:
    return (await house.job(job_id)).done >= count


async def _forget(house: NotifiedHouse, job_id: str) -> None:
    """Let the actor read its rows anew."""
    del house.house._core.system._offices["notification_job"].cells[job_id]


async def test_a_job_survives_the_death_of_its_house(data_folder: Path) -> None:
    house = RunningHouse(data_folder)
    try:
        await house.start()
        async with aiohttp.ClientSession(headers=house.admin) as client:
            await _make_people(house)
            body = {"to": "all", "title": "Maintenance"}
            async with client.post(f"{house.url}/api/v1/notifications", json=body) as answer:
                assert answer.status == 202, await answer.text()
                job_id = (await answer.json())["job_id"]
            while not (done := (await _progress(house, client, job_id))["done"]):
                await asyncio.sleep(0)
            assert done < PEOPLE, "it was over before it could be interrupted"
        house.kill()
        await house.start()
        async with aiohttp.ClientSession(headers=house.admin) as client:
            job = await until(lambda: _finished(house, client, job_id), 60)
        assert (job["total"], job["done"], job["failed"]) == (PEOPLE + 1, PEOPLE + 1, 0)  # and the administrator
        [row] = await house.sql("select count(*) as entries, count(distinct user_id) as people from notification n"
                                " where source = $1", f"notification_job:{job_id}")  # fmt: skip
        assert tuple(row) == (PEOPLE + 1, PEOPLE + 1)
        [row] = await house.sql("select count(*) from event where type = 'notification.created' and cause = $1",
                                f"notification_job:{job_id}")  # fmt: skip
        assert row[0] == PEOPLE + 1
        assert house.verify() == ""
    finally:
        await end(house)


async def _make_people(house: RunningHouse) -> None:
    await house.sql(
        "insert into account (id, n, username, role, status, created_at)"
        " select id, 1, id::text, 'user', 'active', now() from unnest($1::uuid[]) id",
        [uuid7() for _ in range(PEOPLE)],
    )


async def _progress(house: RunningHouse, client: aiohttp.ClientSession, job_id: str) -> dict[str, int]:
    async with client.get(f"{house.url}/api/v1/notifications/jobs/{job_id}") as answer:
        assert answer.status == 200, await answer.text()
        progress: dict[str, int] = await answer.json()
        return progress


async def _finished(house: RunningHouse, client: aiohttp.ClientSession, job_id: str) -> dict[str, int] | None:
    progress = await _progress(house, client, job_id)
    return progress if progress["status"] == "finished" else None  # type: ignore[comparison-overlap]
