"""Quota, unique keys, batches and idempotency keys."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from actors.errors import Conflict, QuotaExceeded
from actors.messages.task import CancelTask, CreateTask, CreateTasks, Refused, RetryTask, ShowTasks, TaskJson
from actors.runtime.actor import Idempotency
from actors.runtime.message import Caller
from tests.task.house import TaskHouse, open_house, shown


def new(**fields: Any) -> CreateTask:
    return CreateTask(**{"type": "work", "params": {}, **fields})


async def used_tasks(house: TaskHouse, caller: Caller) -> int:
    [row] = await house.sql("select used_tasks from quota where user_id = $1", caller.user_id)
    return int(row["used_tasks"])


async def test_of_100_creates_at_once_against_a_quota_of_50_exactly_50_pass(house: TaskHouse) -> None:
    ada = await house.person(max_tasks=50)

    answers = await asyncio.gather(*(house.ask(new(), ada) for _ in range(100)), return_exceptions=True)

    assert Counter(type(answer) for answer in answers) == {TaskJson: 50, QuotaExceeded: 50}
    assert await used_tasks(house, ada) == 50
    [row] = await house.sql("select count(*) from task")
    [events] = await house.sql("select count(*) from event")
    assert (row["count"], events["count"]) == (50, 50)


async def test_two_houses_cannot_pass_a_quota_together(database_dsn: str) -> None:
    async with open_house(database_dsn, alone=False) as one, open_house(database_dsn, name="two", alone=False) as two:
        ada = await one.person(max_tasks=50)

        asks = (house.ask(new(), ada) for _ in range(60) for house in (one, two))
        answers = await asyncio.gather(*asks, return_exceptions=True)

        assert Counter(type(answer) for answer in answers) == {TaskJson: 50, QuotaExceeded: 70}
        assert await used_tasks(one, ada) == 50


async def test_quotas_of_people_in_one_batch_do_not_touch_each_other(house: TaskHouse) -> None:
    people = [await house.person(max_tasks=bound) for bound in (0, 3, 7)]

    answers = await asyncio.gather(
        *(house.ask(new(), person) for _ in range(5) for person in people), return_exceptions=True
    )

    made = [sum(isinstance(answer, TaskJson) for answer in answers[index::3]) for index in range(3)]
    assert made == [0, 3, 5]


async def test_without_a_bound_of_its_own_an_account_has_that_of_its_role(database_dsn: str) -> None:
    bounds = {"user": 2, "vip": 4}
    async with open_house(database_dsn, allowance=bounds.get) as house:
        for role, most in (("user", 2), ("vip", 4), ("admin", 9)):
            person = await house.person(role=role)
            answers = await asyncio.gather(*(house.ask(new(), person) for _ in range(9)), return_exceptions=True)
            assert sum(isinstance(answer, TaskJson) for answer in answers) == most


async def test_a_new_month_starts_the_count_anew(house: TaskHouse) -> None:
    ada = await house.person(max_tasks=2)
    await house.create(ada)
    await house.create(ada)
    with pytest.raises(QuotaExceeded):
        await house.create(ada)

    await house.sql("update quota set month = month - interval '1 month' where user_id = $1", ada.user_id)

    await house.create(ada)
    [row] = await house.sql("select used_tasks, month from quota where user_id = $1", ada.user_id)
    assert row["used_tasks"] == 1 and row["month"] == datetime.now(UTC).date().replace(day=1)


async def test_a_living_task_with_the_same_key_is_returned_and_costs_nothing(house: TaskHouse) -> None:
    ada, bob = await house.person(max_tasks=3), await house.person()
    first = await house.ask(new(unique_key="k"), ada)

    again = await house.ask(new(unique_key="k", params={"other": 1}), ada)
    assert not again.made and again.json == first.json
    assert await used_tasks(house, ada) == 1
    assert (await house.ask(new(unique_key="k"), bob)).made
    assert (await house.ask(new(unique_key="k", type="other"), ada)).made

    await house.ask(CancelTask(task_id=shown(first)["id"]), ada)
    assert (await house.ask(new(unique_key="k"), ada)).made


async def test_of_many_with_the_same_key_at_once_one_is_made_and_all_get_it(house: TaskHouse, ada: Caller) -> None:
    answers = await asyncio.gather(*(house.ask(new(unique_key="k"), ada) for _ in range(30)))

    assert sum(answer.made for answer in answers) == 1
    assert len({answer.json for answer in answers}) == 1
    assert await used_tasks(house, ada) == 1


async def test_retry_is_refused_while_a_living_task_has_the_key(house: TaskHouse, ada: Caller) -> None:
    olds = [await house.create(ada, unique_key="k")]
    await house.ask(CancelTask(task_id=olds[0]["id"]), ada)
    olds.append(await house.create(ada, unique_key="k"))
    with pytest.raises(Conflict):
        await house.ask(RetryTask(task_id=olds[0]["id"]), ada)

    await house.ask(CancelTask(task_id=olds[1]["id"]), ada)
    answers = await asyncio.gather(
        *(house.ask(RetryTask(task_id=old["id"]), ada) for old in olds), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "TaskJson"]


async def test_each_task_of_a_batch_is_answered_by_itself(house: TaskHouse) -> None:
    ada = await house.person(max_tasks=3)
    items = [{"type": "work", "params": {"i": i}, "unique_key": "k" if i in {1, 3} else None} for i in range(6)]

    made = await house.ask(msgspec.convert({"items": items}, CreateTasks), ada)

    shapes = [
        item.code if isinstance(item, Refused) else msgspec.json.decode(item)["params"]["i"] for item in made.items
    ]
    assert shapes == [0, 1, 2, 1, "quota_exceeded", "quota_exceeded"]
    assert await used_tasks(house, ada) == 3


async def test_500_tasks_are_one_transaction_and_lie_in_order(house: TaskHouse, ada: Caller) -> None:
    items = [{"type": "work", "params": {"i": i}} for i in range(500)]

    await house.ask(msgspec.convert({"items": items}, CreateTasks), ada)

    [row] = await house.sql("select count(*), count(distinct xmin::text) as transactions from task")
    assert (row["count"], row["transactions"]) == (500, 1)
    leased = await house.lease(max=100)
    assert [task["params"]["i"] for task in leased] == list(range(100))


async def test_an_idempotency_key_remembers_what_was_made(house: TaskHouse, ada: Caller) -> None:
    key = Idempotency("POST /tasks", "abc", b"hmac")
    made = await house.ask(new(), ada, idempotency=key)

    [row] = await house.sql("select object_id, body_hmac from idempotency where caller = $1", ada.user_id)
    assert (row["object_id"], row["body_hmac"]) == (shown(made)["id"], b"hmac")
    with pytest.raises(Conflict):
        await house.ask(new(), ada, idempotency=key)
    assert await used_tasks(house, ada) == 1


async def test_a_found_task_is_what_its_idempotency_key_remembers(house: TaskHouse, ada: Caller) -> None:
    first = await house.create(ada, unique_key="k")

    await house.ask(new(unique_key="k"), ada, idempotency=Idempotency("POST /tasks", "abc", b"hmac"))

    [row] = await house.sql("select object_id from idempotency")
    assert row["object_id"] == first["id"]


async def test_a_refused_task_leaves_its_idempotency_key_free(house: TaskHouse) -> None:
    poor = await house.person(max_tasks=0)

    with pytest.raises(QuotaExceeded):
        await house.ask(new(), poor, idempotency=Idempotency("POST /tasks", "abc", b"hmac"))

    assert await house.sql("select 1 from idempotency") == []


async def test_a_replayed_batch_shows_its_tasks_as_they_are_now(house: TaskHouse) -> None:
    ada, eve = await house.person(max_tasks=2), await house.person()
    batch = msgspec.convert({"items": [{"type": "work", "params": {}}] * 3}, CreateTasks)
    await house.ask(batch, ada, idempotency=Idempotency("POST /tasks/batch", "abc", b"hmac"))
    await house.lease_one()
    [row] = await house.sql("select object_id from idempotency")

    seen = await house.ask(ShowTasks(made=row["object_id"]), ada)

    assert [item.code if isinstance(item, Refused) else msgspec.json.decode(item)["status"] for item in seen.items] == [
        "running", "pending", "quota_exceeded",
    ]  # fmt: skip
    assert (await house.ask(ShowTasks(made=row["object_id"]), eve)).items == [
        Refused("not_found"),
        Refused("not_found"),
        Refused("quota_exceeded"),
    ]


async def test_a_turn_that_is_delivered_again_takes_effect_once(house: TaskHouse, ada: Caller) -> None:
    cause = "01990a1b-5c00-7000-8000-00000000000a"
    first = await house.ask(new(), ada, cause=cause)

    again = await house.ask(new(), ada, cause=cause)

    assert again.json == first.json and not again.made
    assert await used_tasks(house, ada) == 1


async def test_a_task_for_later_is_not_due(house: TaskHouse, ada: Caller) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)

    task = await house.create(ada, run_at=later)

    assert datetime.fromisoformat(task["run_at"]) == later
    assert await house.lease() == []


def test_a_moment_that_nobody_means_is_refused() -> None:
    with pytest.raises(ValueError, match="run_at"):
        new(run_at=datetime(9999, 12, 31, tzinfo=UTC))
