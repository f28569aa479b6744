"""The whole square of delivery tasks: who can do what from where, for everybody whom a task may meet, and for time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import product
from typing import Any

import msgspec
import pytest

from actors.errors import DomainError, NotFound
from actors.messages.delivery import Accept, Assign, AssignDue, DeadlinePassed, LoseCourier, Release, Scan, ScanEntry
from actors.messages.letter import Recall, Seal
from actors.moves import AGREEING, LETTER, TASK, Role
from actors.runtime.ids import uuid7
from actors.runtime.message import SYSTEM, Caller
from tests.letter.house import DOOR, HOME, Post
from tests.system.house import Person

STATES = ("available", "accepted", "collected", "in_transit", "delivered", "failed", "cancelled")
SCANS = {"collect": "collected", "transit": "in_transit", "deliver": "delivered", "fail": "failed"}
TO = {
    "accept": "accepted", "assign": "accepted", "reassign": "accepted", "release": "available", "recall": "cancelled",
    "choose": "accepted", "time_out": "available", "lose": "available", **SCANS,
}  # fmt: skip
WHO = ("sender", "recipient", "stranger", "holder", "other", "outsider", "area", "school", "admin")
TIMES = {"choose": "available", "time_out": "accepted", "lose": "accepted"}
"""What time, or the loss of a courier, brings; and what it concerns. What fails is freed by the turn that fails it."""
_told = msgspec.json.Decoder(dict[str, Any]).decode


class Round:
    """One letter with its task; everybody may try everything on it."""

    def __init__(self, post: Post, people: dict[str, Person], letter: dict[str, Any]) -> None:
        self.post = post
        self.people = people
        self.id: str = letter["id"]
        self.code, self.task_id = "OP2222222222", uuid7()

    def ask(self, who: str, message: Any) -> Any:
        caller = SYSTEM
        if who in self.people:
            caller = Caller(user_id=self.people[who].id, role="admin" if who == "admin" else "user")
        return self.post.served.refs("letter", self.id).ask(message, caller, timeout_seconds=30)

    async def attempt(self, who: str, what: str) -> None:
        """Raises `DomainError`."""
        if what in SCANS:
            entry = ScanEntry(
                code=self.code, action=what, op_code=DOOR if what == "deliver" else HOME,  # type: ignore[arg-type]
                client_scan_id=uuid7(),
            )  # fmt: skip
            await self.ask(who, Scan(letter_id=self.id, entry=entry))
            return
        task: dict[str, Any] = {"letter_id": self.id, "task_id": self.task_id}
        other, holder = self.people["other"].id, self.people["holder"].id
        messages: dict[str, Callable[[], Any]] = {
            "seal": lambda: Seal(letter_id=self.id), "recall": lambda: Recall(letter_id=self.id),
            "accept": lambda: Accept(**task), "release": lambda: Release(**task),
            "assign": lambda: Assign(courier_id=other, **task),
            "lose": lambda: LoseCourier(letter_id=self.id, user_id=holder),
            "reassign": lambda: Assign(courier_id=other, reason="ill", is_again=True, **task),
            "choose": lambda: AssignDue(**task), "time_out": lambda: DeadlinePassed(**task),
        }  # fmt: skip
        await self.ask(who, messages[what]())
        if what == "seal":
            await self.state()

    async def state(self) -> dict[str, Any]:
        [row] = await self.post.sql(
            "select l.n, l.status as letter, l.code, l.task_id, d.status, d.courier_id, d.attempts"
            " from letter l left join delivery d on d.id = l.task_id where l.id = $1", self.id,
        )  # fmt: skip
        self.code, self.task_id = row["code"] or self.code, row["task_id"] or self.task_id
        return dict(row)

    async def be(self, status: str) -> "Round":
        """Bring it there by what its people do; after five failures an administrator decides."""
        carried = [("holder", "accept"), ("holder", "collect")]
        path: dict[str, list[tuple[str, str]]] = {
            "available": [], "accepted": carried[:1], "collected": carried, "cancelled": [("sender", "recall")],
            "in_transit": [*carried, ("holder", "transit")], "failed": [*carried, ("holder", "fail")] * 5,
            "delivered": [*carried, ("holder", "transit"), ("holder", "deliver")],
        }  # fmt: skip
        for who, what in [("sender", "seal"), *path[status]]:
            if what == "accept":
                await rate(self.post)
            await self.attempt(who, what)
        return self


async def rate(post: Post) -> None:
    """Failures wear a rating down; who is rated too low takes nothing."""
    for row in await post.sql("select user_id from courier order by user_id"):
        await post.sql("update courier_load set rating = 5 where user_id = $1", row["user_id"])


@pytest.fixture
async def people(post: Post, ada: Person, ben: Person) -> dict[str, Person]:
    holder, other = [await post.courier(name, "PK5F", "QH7A", limit=10_000) for name in ("cat", "cyd")]
    area, school = await post.courier("lea", "PK5F", level=2), await post.courier("sue", "PK", level=3)
    await post.sql("update courier set parent_id = $1 where user_id = any ($2)", area.id, [holder.id, other.id])
    await post.sql("update courier set parent_id = $1 where user_id = $2", school.id, area.id)
    return {
        "sender": ada, "recipient": ben, "stranger": await post.served.person("stan"), "holder": holder, "other": other,
        "outsider": await post.courier("ozy", "ZZ9Z"), "area": area, "school": school, "admin": post.admin,
    }  # fmt: skip


def roles(who: str, what: str, status: str) -> set[Role]:
    """What somebody is to a task, as far as it counts for what they try."""
    is_free = status in {"available", "cancelled"}
    found: set[Role] = set()
    if who in {"sender", "admin"}:
        found.add(who)  # type: ignore[arg-type]
    if who == "holder" and not is_free:
        found.add("holder")
    if who in {"holder", "other", "area", "school"} and is_free:
        found.add("courier")
    if who in {"area", "school"}:
        found.add("leader")
    counts: dict[str, set[Role]] = {
        "accept": {"courier"}, "assign": {"leader", "admin"}, "reassign": {"leader", "admin"}, "recall": {"sender"},
        "release": {"holder", "admin"},
    }  # fmt: skip
    return found & counts.get(what, found)


def may(who: str, what: str, status: str) -> bool:
    """Whether the tables let them. A scan is a move of the letter, and who assigns what has failed frees it first."""
    to, played = TO[what], roles(who, what, status)
    if what == "reassign":
        return status == "accepted" and bool(played)
    if what in SCANS:
        letter = next(letter for letter, tasks in AGREEING.items() if status in tasks)
        is_open = status != "failed" or allowed(TASK, "failed", "available", played)
        return is_open and allowed(LETTER, letter, to, played)
    if what == "assign" and who == "admin" and status == "failed":
        return allowed(TASK, "failed", "available", played) and allowed(TASK, "available", to, played)
    return allowed(TASK, status, to, played)


def allowed(table: Any, before: str, after: str, played: set[Role]) -> bool:
    return any(move[:2] == (before, after) and played & set(move.who) for move in table)


def is_same(who: str, what: str, status: str) -> bool:
    """Whether it is so already, for who has made it so: that is no refusal."""
    return TO[what] == status and who in {"holder", "admin"} and (what in SCANS or (what, who) == ("accept", "holder"))


async def new(post: Post, people: dict[str, Person], status: str) -> Round:
    return await Round(post, people, await post.draft(people["sender"], recipient="ben")).be(status)


async def test_what_the_table_does_not_allow_changes_nothing(post: Post, people: dict[str, Person]) -> None:
    for status in STATES:
        await try_what_is_refused(post, people, status)


async def try_what_is_refused(post: Post, people: dict[str, Person], status: str) -> None:
    one = await new(post, people, status)
    was = await one.state()
    assert was["status"] == status
    for what in sorted(TO.keys() - {*TIMES}):
        for who in WHO:
            if may(who, what, status) or is_draft_again(who, what, status):
                continue
            error: DomainError | None = None
            try:
                await one.attempt(who, what)
            except DomainError as refused:
                error = refused
            case = f"{status} -> {TO[what]} ({what}) by {who}: {error!r}"
            assert await one.state() == was, case
            assert (error is None) == is_same(who, what, status), case
            if error is not None and not isinstance(error, NotFound):
                assert error.extra["from"] in {status, was["letter"]}, case
                assert error.extra["to"] in {TO[what], "draft"}, case


def is_draft_again(who: str, what: str, status: str) -> bool:
    """Whether the writer takes back what they have taken back already."""
    return (who, what, status) == ("sender", "recall", "cancelled")


async def test_what_the_table_allows_works_for_everybody_whom_it_allows(post: Post, people: dict[str, Person]) -> None:
    for status in STATES:
        await try_what_is_allowed(post, people, status)
    await only_moves_of_the_table(post)


async def try_what_is_allowed(post: Post, people: dict[str, Person], status: str) -> None:
    cases = [(who, what) for what in TO.keys() - {*TIMES} for who in WHO if may(who, what, status)]
    assert bool(cases) == (status not in {"delivered", "cancelled"})
    for who, what in cases:
        one = await new(post, people, status)
        was = await one.state()
        await rate(post)
        await one.attempt(who, what)
        now = await one.state()
        case = f"{status} -> {TO[what]} ({what}) by {who}: {was} {now}"
        # What fails is free for the next try at once, but for the fifth time.
        assert now["status"] == ("available" if what == "fail" and now["attempts"] < 5 else TO[what]), case
        assert now["n"] > was["n"] and now["status"] in AGREEING[now["letter"]], case
        if what in {"assign", "reassign", "accept"}:
            assert now["courier_id"] == people["other" if "assign" in what else who].id, case


async def test_time_does_what_the_table_lets_the_house_do(post: Post, people: dict[str, Person]) -> None:
    for status, (what, concerns) in product(STATES, TIMES.items()):
        one = await new(post, people, status)
        was = await one.state()
        async with hours_later(post, 11):
            await one.attempt("house", what)
        now = await one.state()
        if concerns == status:
            assert allowed(TASK, status, TO[what], {"house"})
            assert now["status"] == TO[what], (what, was, now)
        else:
            assert (now["status"], now["courier_id"], now["letter"]) == (status, was["courier_id"], was["letter"])
            is_overdue = what == "time_out" and status in {"collected", "in_transit"}
            assert (now["n"] == was["n"]) == (not is_overdue), (what, was, now)
    await only_moves_of_the_table(post)


@asynccontextmanager
async def hours_later(post: Post, hours: float) -> AsyncIterator[None]:
    """Let it be later for whoever is asked meanwhile."""
    clock = post.core.clock
    now = clock.now
    clock.now = lambda: now() + timedelta(hours=hours)  # type: ignore[method-assign]
    try:
        yield
    finally:
        clock.now = now  # type: ignore[method-assign]


async def only_moves_of_the_table(post: Post) -> None:
    """Whatever has happened to any task was a move of the table."""
    moves = {move[:2] for move in TASK}
    rows: Sequence[Any] = await post.sql("select body from event where type = 'delivery.changed'")
    for told in map(_told, (row["body"] for row in rows)):
        assert told["from"] == told["to"] or (told["from"], told["to"]) in moves, told


async def test_two_of_the_square_at_once_end_as_one_after_the_other(post: Post, people: dict[str, Person]) -> None:
    """Everybody does what they may from `available` at the same time."""
    for _ in range(10):
        one = await new(post, people, "available")
        cases = [("sender", "recall"), ("other", "accept"), ("area", "assign"), ("admin", "collect")]
        outcomes = await asyncio.gather(*(one.attempt(*case) for case in cases), return_exceptions=True)
        assert not [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, DomainError)]
        now = await one.state()
        assert now["status"] in AGREEING[now["letter"]]
    await only_moves_of_the_table(post)
