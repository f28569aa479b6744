"""What time alone does to letters, by durable timers: on the house's own clock, which a test may move."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actors.letter.assigning import choose, score
from actors.messages.delivery import DeadlinePassed
from actors.runtime.message import SYSTEM
from tests.courier.rows import load_of
from tests.letter.house import DOOR, Post
from tests.notification.house import until
from tests.system.house import Person


@asynccontextmanager
async def later(post: Post, **time: float) -> AsyncIterator[None]:
    """Let it be later for a moment, and let due timers be told. Whoever calls a route meanwhile has no token."""
    clock = post.core.clock
    now = clock.now
    clock.now = lambda: now() + timedelta(**time)  # type: ignore[method-assign]
    try:
        post.core.timers._told.clear()  # they remember by another clock whom they have just told
        await post.core.timers.tell_due()
        yield
    finally:
        clock.now = now  # type: ignore[method-assign]


async def becomes(post: Post, letter: dict[str, Any], *states: str) -> None:
    async def is_so() -> bool:
        return await post.states(letter) == states

    await until(is_so)


async def timers(post: Post, letter: dict[str, Any]) -> list[str]:
    rows = await post.sql("select message_type from timer where key = $1 order by 1", letter["id"])
    return [row["message_type"].rpartition(".")[2] for row in rows]


async def test_a_letter_is_sealed_when_its_time_comes(post: Post, ada: Person, ben: Person) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    letter = await post.sealed(ada, deliver_after=soon)
    assert (letter["status"], letter["code"], letter["task_id"]) == ("scheduled", None, None)
    await post.call(ada, "PATCH", f"/letters/{letter['id']}", {"title": "Other"}, expect=409)
    async with later(post, minutes=59):
        assert await post.states(letter) == ("scheduled", None)
    async with later(post, minutes=61):
        await becomes(post, letter, "sealed", "available")
    assert (await post.get(ada, letter))["code"] is not None
    assert await timers(post, letter) == ["AssignDue"]


async def test_what_is_a_draft_again_is_not_sealed(post: Post, ada: Person, ben: Person) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    letter = await post.sealed(ada, deliver_after=soon)
    assert (await post.act(ada, letter, "recall"))["status"] == "draft"
    assert await timers(post, letter) == []
    async with later(post, hours=2):
        assert await post.states(letter) == ("draft", None)


async def test_the_house_gives_what_nobody_has_taken(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    area = await post.courier("lea", "PK5F", level=2)
    letter = await post.sealed(ada)
    async with later(post, minutes=9):
        assert await post.states(letter) == ("sealed", "available")
    async with later(post, minutes=11):
        await becomes(post, letter, "sealed", "accepted")
    [task] = (await post.call(cat, "GET", "/couriers/tasks?mine=true"))["items"]
    assert (task["letter_id"], task["courier_id"]) == (letter["id"], cat.id)
    assert (await post.call(area, "GET", "/couriers/tasks?mine=true"))["items"] == []
    assert "A delivery was given to you" in await post.titles(cat)
    assert await timers(post, letter) == ["DeadlinePassed"]


async def test_express_waits_for_nobody(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada, priority="express")
    await becomes(post, letter, "sealed", "accepted")
    task = await post.call(cat, "GET", f"/couriers/tasks/{letter['task_id']}")
    hours = datetime.fromisoformat(task["deadline"]) - datetime.fromisoformat(task["changed_at"])
    assert hours == timedelta(hours=2)


async def test_where_there_is_nobody_the_house_looks_again(post: Post, ada: Person, ben: Person) -> None:
    letter = await post.sealed(ada)
    async with later(post, minutes=11):
        await until(lambda: post.sql("select from timer where due_at > now() + interval '20 minutes'"))
    assert await post.states(letter) == ("sealed", "available")
    await post.courier("cat", "PK5F")
    async with later(post, minutes=22):
        await becomes(post, letter, "sealed", "accepted")


async def test_a_task_is_freed_long_after_its_deadline(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada)
    await post.task(cat, letter, "accept")
    await post.sql("update courier_load set points = 7 where user_id = $1", cat.id)
    async with later(post, hours=9.9):
        assert await post.states(letter) == ("sealed", "accepted")
    async with later(post, hours=10.1):
        await becomes(post, letter, "sealed", "available")
    load = await load_of(post.dsn, cat.id)
    assert (load["open_tasks"], load["late"], load["points"]) == (0, 1, 2)
    assert load["rating"] < 5
    assert "A delivery of yours was freed: its deadline is long past" in await post.titles(cat)
    history = (await post.call(cat, "GET", f"/couriers/tasks/{letter['task_id']}"))["history"]
    assert [step["step"] for step in history] == ["offered", "accepted", "timed_out"]


async def test_who_holds_paper_keeps_it_and_is_late(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada)
    await post.task(cat, letter, "accept")
    await post.scan(cat, letter, "collect")
    await post.sql("update courier_load set points = 7 where user_id = $1", cat.id)
    async with later(post, hours=11):
        await until(lambda: post.sql("select from delivery where is_late"))
    assert await post.states(letter) == ("collected", "collected")
    load = await load_of(post.dsn, cat.id)
    assert (load["late"], load["points"], load["rating"], load["open_tasks"]) == (1, 2, 4.75, 1), "at once"
    await post.scan(cat, letter, "transit")
    await post.scan(cat, letter, "deliver", DOOR)
    load = await load_of(post.dsn, cat.id)
    assert (load["late"], load["delivered"], load["points"]) == (1, 1, 22)  # 7, and 20 for the first, less 5
    assert await timers(post, letter) == []


async def test_who_stands_above_hears_of_paper_that_is_late_once(post: Post, ada: Person, ben: Person) -> None:
    lea = await post.courier("lea", "PK5F", level=2)
    cat = await post.courier("cat", "PK5F", "QH7A", parent_id=lea.id)
    letter = await post.sealed(ada)
    await post.task(cat, letter, "accept")
    await post.scan(cat, letter, "collect")
    for hours in (9.9, 10.1, 30):
        async with later(post, hours=hours):
            await post.served.refs("letter", letter["id"]).ask(
                DeadlinePassed(letter_id=letter["id"], task_id=letter["task_id"]), SYSTEM
            )
    assert [title for title in await post.titles(lea) if "deadline" in title] == [
        "A letter with a courier below you is long past its deadline"
    ]
    assert [title for title in await post.titles(cat) if "deadline" in title] == [
        "A letter that you carry is long past its deadline: deliver it, or hand it over"
    ]
    assert (await load_of(post.dsn, cat.id))["late"] == 1
    await post.scan(cat, letter, "handover", to=lea.id)
    await post.scan(lea, letter, "receive")
    loads = [await load_of(post.dsn, who.id) for who in (cat, lea)]
    assert [(load["late"], load["open_tasks"], load["rating"]) for load in loads] == [(1, 0, 4.75), (0, 1, 5.0)]


async def test_five_failures_and_an_administrator_decides(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    letter = await post.sealed(ada)
    for attempt in range(1, 6):
        await post.task(cat, letter, "accept")
        await post.scan(cat, letter, "collect")
        done = await post.scan(cat, letter, "fail", note="nobody there")
        assert done["task"]["attempts"] == attempt
    assert await post.states(letter) == ("failed", "failed")
    await post.task(cat, letter, "accept", expect=409)
    await post.task(cat, letter, "release", expect=403)
    freed = await post.task(post.admin, letter, "release")
    assert (freed["status"], freed["attempts"]) == ("available", 5)
    assert (await post.task(cat, letter, "accept"))["status"] == "accepted"


def rated(**fields: Any) -> dict[str, Any]:
    return {
        "user_id": "a", "level": 1, "prefixes": ["PK5F"], "rating": 5.0, "points": 0, "open_tasks": 0, "last_at": None,
        **fields,
    }  # fmt: skip


def test_the_score_is_the_one_of_the_specification() -> None:
    assert score(rated(), "PK5F21") == 100 + 40 + 30 + 30
    assert score(rated(prefixes=["PK5F21"], open_tasks=2, points=1_000), "PK5F21") == 100 + 40 + 50 + 15 + 10
    assert score(rated(level=3, prefixes=["PK"], points=9_000), "PK5F21") == 100 + 20 + 20 + 30 + 15
    assert score(rated(level=4, prefixes=["QH"], rating=3.5), "PK5F21") == 70 + 10 + 0 + 30


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"rating": 3.0}, {"level": 2, "points": 9_000}),  # nearest level first
        ({"points": 200}, {"points": 100}),
        ({"last_at": datetime(2026, 1, 1, tzinfo=UTC)}, {"last_at": datetime(2026, 1, 2, tzinfo=UTC)}),
        ({}, {"last_at": datetime(2026, 1, 1, tzinfo=UTC)}),  # who has never had one is idle longest
    ],
)
def test_the_best_one_is_chosen(first: dict[str, Any], second: dict[str, Any]) -> None:
    rows = [rated(user_id="b", **second), rated(user_id="a", **first)]
    chosen = choose(rows, "PK5F21")
    assert chosen is not None and chosen["user_id"] == "a"
