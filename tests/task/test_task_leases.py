"""Who gets which task, and when."""

import asyncio
import time
from typing import Any

from actors.messages.task import CancelTask, CreateTasks, NewTask
from actors.runtime.message import Caller
from actors.task.settings import TaskSettings
from actors.task.waiting import Bell
from tests.task.house import TaskHouse, open_house


async def test_the_highest_priority_comes_first_then_the_oldest(house: TaskHouse, ada: Caller) -> None:
    for name, priority in (("a", 5), ("b", 9), ("c", 5), ("d", 0), ("e", 9)):
        await house.create(ada, priority=priority, params={"name": name}, type="x" if name in "ae" else "y")

    leased = await house.lease(types=["x", "y"], max=4)

    assert [task["params"]["name"] for task in leased] == ["b", "e", "a", "c"]


async def test_only_the_types_asked_for_are_leased(house: TaskHouse, ada: Caller) -> None:
    await house.create(ada, type="other")

    assert await house.lease(types=["work", "more"]) == []
    assert len(await house.lease(types=["work", "other", "other"], max=5)) == 1


async def test_no_task_is_leased_twice_by_workers_of_two_houses(database_dsn: str) -> None:
    async with open_house(database_dsn, alone=False) as one, open_house(database_dsn, name="two", alone=False) as two:
        ada = await one.person()
        await one.ask(CreateTasks(items=[NewTask(type="work", params={}) for _ in range(200)]), ada)

        answers = await asyncio.gather(*(house.lease(max=7) for _ in range(20) for house in (one, two)))

        ids = [task["id"] for tasks in answers for task in tasks]
        assert len(ids) == len(set(ids)) == 200


async def test_a_worker_that_waits_gets_a_new_task_within_100_ms(house: TaskHouse, ada: Caller) -> None:
    waits = []
    for _ in range(5):
        waiting = asyncio.create_task(house.lease(wait_seconds=10))
        await asyncio.sleep(0.05)
        before = time.perf_counter()
        await house.create(ada)
        assert len(await waiting) == 1
        waits.append(time.perf_counter() - before)
    assert max(waits) < 0.1


async def test_waiting_ends_empty_handed_when_the_time_is_over(house: TaskHouse) -> None:
    before = time.perf_counter()

    assert await house.lease(wait_seconds=0.3) == []

    assert 0.3 <= time.perf_counter() - before < 1


async def test_those_who_wait_hold_no_connection(house: TaskHouse, ada: Caller) -> None:
    waiting = [asyncio.create_task(house.lease(wait_seconds=20, types=["none"])) for _ in range(200)]
    await asyncio.sleep(0.3)

    task = await house.create(ada)
    assert (await house.lease_one())["id"] == task["id"]
    [row] = await house.sql("select count(*) from pg_stat_activity where application_name like 'posthouse/%'")
    assert row["count"] < 10

    house.bell.close()
    assert await asyncio.gather(*waiting) == [[]] * 200


async def test_each_of_many_who_wait_gets_one_of_as_many_tasks(house: TaskHouse, ada: Caller) -> None:
    waiting = [asyncio.create_task(house.lease(wait_seconds=10)) for _ in range(20)]
    await asyncio.sleep(0.1)
    before = time.perf_counter()

    await house.ask(CreateTasks(items=[NewTask(type="work", params={}) for _ in range(20)]), ada)

    found = await asyncio.gather(*waiting)
    assert [len(tasks) for tasks in found] == [1] * 20
    assert len({tasks[0]["id"] for tasks in found}) == 20
    assert time.perf_counter() - before < 1


async def test_a_limited_type_runs_no_more_than_its_limit_and_goes_on_when_one_ends(database_dsn: str) -> None:
    async with open_house(database_dsn, settings=TaskSettings(max_running={"work": 3})) as house:
        ada = await house.person()
        for _ in range(6):
            await house.create(ada)

        answers = await asyncio.gather(*(house.lease(max=2) for _ in range(5)))
        leased = [task for tasks in answers for task in tasks]
        assert len(leased) == 3

        waiting = asyncio.create_task(house.lease(max=5, wait_seconds=10))
        await asyncio.sleep(0.1)
        await house.complete(leased[0])
        assert len(await asyncio.wait_for(waiting, 1)) == 1

        waiting = asyncio.create_task(house.lease(max=5, wait_seconds=10))
        await asyncio.sleep(0.1)
        await house.ask(CancelTask(task_id=leased[1]["id"]), ada)
        assert len(await asyncio.wait_for(waiting, 1)) == 1


async def test_a_limit_of_one_type_does_not_hold_another_up(database_dsn: str) -> None:
    async with open_house(database_dsn, settings=TaskSettings(max_running={"work": 0})) as house:
        ada = await house.person()
        await house.create(ada, priority=9)
        free = await house.create(ada, type="free", priority=0)

        [task] = await house.lease(types=["work", "free"], max=10)
        assert task["id"] == free["id"]


async def test_two_houses_keep_a_limit_together(database_dsn: str) -> None:
    settings = TaskSettings(max_running={"work": 5})
    async with (
        open_house(database_dsn, alone=False, settings=settings) as one,
        open_house(database_dsn, name="two", alone=False, settings=settings) as two,
    ):
        ada = await one.person()
        await one.ask(CreateTasks(items=[NewTask(type="work", params={}) for _ in range(50)]), ada)

        answers = await asyncio.gather(*(house.lease(max=2) for _ in range(10) for house in (one, two)))

        assert sum(len(tasks) for tasks in answers) == 5


async def test_tasks_of_another_house_are_noticed_by_the_sweep(database_dsn: str) -> None:
    async with open_house(database_dsn, alone=False) as one, open_house(database_dsn, name="two", alone=False) as two:
        ada = await one.person()
        waiting = asyncio.create_task(two.lease(wait_seconds=10))
        await asyncio.sleep(0.1)
        await one.create(ada)
        await asyncio.sleep(0.1)
        assert not waiting.done()

        await two.sweeper.look()

        assert len(await asyncio.wait_for(waiting, 1)) == 1


def _woken(bell: Bell, *waiters: Any) -> list[bool]:
    return [waiter.woken.is_set() for waiter in waiters]


def test_the_bell_wakes_the_longest_waiting_and_no_more_than_needed() -> None:
    bell = Bell()
    first, second, third = bell.enter(["a"], 1), bell.enter(["a", "b"], 2), bell.enter(["b"], 1)

    bell.ring("a")
    assert _woken(bell, first, second, third) == [True, False, False]
    bell.ring("a", 2)
    assert _woken(bell, first, second, third) == [True, True, False]
    bell.ring("b")
    assert _woken(bell, first, second, third) == [True, True, True]


def test_a_waiter_that_leaves_passes_its_wake_up_on() -> None:
    bell = Bell()
    first, second = bell.enter(["a"], 1), bell.enter(["a"], 1)
    bell.ring("a")

    bell.leave(first)

    assert second.woken.is_set()
    bell.leave(second)
    assert bell.types() == []


async def test_houses_that_ask_for_limited_types_in_opposite_orders_do_not_wait_for_each_other(
    database_dsn: str,
) -> None:
    settings = TaskSettings(max_running={"a": 100, "b": 100})
    async with (
        open_house(database_dsn, alone=False, settings=settings) as one,
        open_house(database_dsn, name="two", alone=False, settings=settings) as two,
    ):
        ada = await one.person()
        await one.ask(CreateTasks(items=[NewTask(type=kind, params={}) for kind in "ab" * 60]), ada)

        answers = await asyncio.gather(
            *(house.lease(types=[kind]) for _ in range(60) for house, kind in ((one, "a"), (two, "b"))),
            *(house.lease(types=[kind]) for _ in range(60) for house, kind in ((one, "b"), (two, "a"))),
        )

        assert sum(len(tasks) for tasks in answers) == 120
