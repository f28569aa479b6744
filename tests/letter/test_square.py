"""Every move of the tables by everybody: what they allow works, everything else is refused and changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actors.errors import Conflict, DomainError, Forbidden, NotFound
from actors.messages.delivery import Accept, Assign, Release, Scan, ScanEntry
from actors.messages.letter import Archive, MarkRead, Recall, Seal
from actors.moves import AGREEING, LABEL, LETTER, TASK, Move, Role
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from tests.letter.house import DOOR, HOME, Post
from tests.system.house import Person

Everybody = dict[Role, Person]
LATER = datetime.now(UTC) + timedelta(days=30)
SCANS = {"collected": "collect", "in_transit": "transit", "delivered": "deliver", "failed": "fail"}
ROLES: tuple[Role, ...] = ("sender", "recipient", "reader", "holder", "courier", "admin")


@pytest.fixture
async def everybody(post: Post, ada: Person, ben: Person) -> Everybody:
    reader = await post.served.person("rita")
    holder, courier = [await post.courier(name, "PK5F", "QH7A", limit=10_000) for name in ("cat", "cyd")]
    leader = await post.courier("lea", "PK5F", level=2)
    await post.sql("update courier set parent_id = $1 where user_id = any ($2)", leader.id, [holder.id, courier.id])
    return {
        "sender": ada, "recipient": ben, "reader": reader, "holder": holder, "courier": courier, "admin": post.admin,
        "leader": leader,
    }  # fmt: skip


class Envelope:
    """One letter, and what people may try with it."""

    def __init__(self, post: Post, everybody: Everybody, letter: dict[str, Any]) -> None:
        self.post = post
        self.everybody = everybody
        self.id: str = letter["id"]
        self.code = "OP2222222222"
        self.task_id = uuid7()

    def ask(self, role: Role, message: Any) -> Awaitable[Any]:
        person = self.everybody[role]
        caller = Caller(user_id=person.id, role="admin" if role == "admin" else "user")
        return self.post.served.refs("letter", self.id).ask(message, caller, timeout_seconds=30)

    def scan(self, role: Role, to: str) -> Awaitable[Any]:
        entry = ScanEntry(
            code=self.code, action=SCANS[to], op_code=DOOR if to == "delivered" else HOME,  # type: ignore[arg-type]
            client_scan_id=uuid7(),
        )  # fmt: skip
        return self.ask(role, Scan(letter_id=self.id, entry=entry))

    async def state(self) -> tuple[Any, ...]:
        [row] = await self.post.sql(
            "select l.n, l.status, l.code, l.task_id, l.sender_archived_at is not null as is_archived,"
            " d.status as task_status, d.courier_id"
            " from letter l left join delivery d on d.id = l.task_id where l.id = $1",
            self.id,
        )
        self.code, self.task_id = row["code"] or self.code, row["task_id"] or self.task_id
        return tuple(row)

    async def be(self, status: str) -> "Envelope":
        """Bring it there by what its people do."""
        path = {
            "draft": (), "scheduled": ("seal",), "sealed": ("seal",), "accepted": ("seal", "accept"),
            "collected": ("seal", "accept", "collected"), "in_transit": ("seal", "accept", "collected", "in_transit"),
            "delivered": ("seal", "accept", "collected", "in_transit", "delivered"),
            "read": ("seal", "accept", "collected", "in_transit", "delivered", "read"),
            "failed": ("seal", "accept", "collected", "failed"),
            "failed, accepted": ("seal", "accept", "collected", "failed", "accept"),
            "archived": ("archive",),
        }[status]  # fmt: skip
        for step in path:
            await self.rate()
            await self.do(step)
            await self.state()
        return self

    async def rate(self) -> None:
        """Hundreds of failures wear a rating down. One row at a time, so that nobody waits in a circle."""
        roles: tuple[Role, ...] = ("holder", "courier")
        for role in roles:
            person = self.everybody[role]
            await self.post.sql("update courier_load set rating = 5 where user_id = $1", person.id)

    async def do(self, step: str) -> Any:
        if step in SCANS:
            return await self.scan("holder", step)
        return await self.try_it("holder" if step == "accept" else "recipient" if step == "read" else "sender", step)

    def try_it(self, role: Role, what: str) -> Awaitable[Any]:
        if what in SCANS:
            return self.scan(role, what)
        tries: dict[str, Callable[[], Any]] = {
            "seal": lambda: Seal(letter_id=self.id), "recall": lambda: Recall(letter_id=self.id),
            "archive": lambda: Archive(letter_id=self.id),
            "read": lambda: MarkRead(letter_id=self.id, code=self.code if role == "reader" else None, reader=uuid7()),
            "accept": lambda: Accept(letter_id=self.id, task_id=self.task_id),
            "release": lambda: Release(letter_id=self.id, task_id=self.task_id),
            "assign": lambda: Assign(
                letter_id=self.id, task_id=self.task_id, courier_id=self.everybody["courier"].id
            ),
        }  # fmt: skip
        return self.ask(role, tries[what]())


def allowed(table: Any, before: str, after: str, role: Role) -> bool:
    return any(move[:2] == (before, after) and role in move.who for move in table)


TRIES = {
    "seal": "sealed", "recall": "draft", "archive": "archived", "read": "read", "collected": "collected",
    "in_transit": "in_transit", "delivered": "delivered", "failed": "failed",
}  # fmt: skip
FROM = ("draft", "scheduled", "sealed", "accepted", "collected", "in_transit", "delivered", "read", "failed",
        "failed, accepted", "archived")  # fmt: skip


@pytest.mark.parametrize("before", FROM)
async def test_a_letter_moves_as_the_table_says(post: Post, everybody: Everybody, before: str) -> None:
    await asyncio.gather(*(one_try(post, everybody, before, what, role) for what in TRIES for role in ROLES))


async def one_try(post: Post, everybody: Everybody, before: str, what: str, role: Role) -> None:
    deliver_after = LATER.isoformat() if before == "scheduled" else None
    letter = await post.draft(everybody["sender"], recipient="ben", deliver_after=deliver_after)
    envelope = await Envelope(post, everybody, letter).be(before)
    was = await envelope.state()
    await envelope.rate()
    status = {"accepted": "sealed", "failed, accepted": "failed"}.get(before, before)
    to = "scheduled" if before == "scheduled" and what == "seal" else TRIES[what]
    error: DomainError | None = None
    try:
        await envelope.try_it(role, what)
    except DomainError as refused:
        error = refused
    now = await envelope.state()
    case = f"{before} -> {to} by {role}: {error!r} {was} {now}"
    may = role_in(role, before, was, envelope) and allowed(LETTER, status, to, role)
    if to in {status, "draft" if before == "archived" else status} or (what == "read" and not may):
        assert now == was, case
    elif may:
        assert error is None and now != was, case
        assert now[1] == to or (to == "archived" and (role == "recipient" or now[4])), case
        assert now[5] in AGREEING[now[1]], case
    else:
        assert now == was and isinstance(error, Conflict | Forbidden | NotFound), case
        if not isinstance(error, NotFound):
            # Put away it is for its sender alone; others see a draft.
            assert error.extra["from"] in {status, "draft" if before == "archived" else status}, case
            assert error.extra["to"] == to, case


def role_in(role: Role, before: str, was: tuple[Any, ...], envelope: Envelope) -> bool:
    """Whether somebody is that to the letter at the moment: a holder holds its task, a courier takes what is free."""
    if role == "holder":
        return bool(was[6] == envelope.everybody["holder"].id) or before == "failed"
    return not (role == "courier" and was[6] is not None)


TASK_TRIES = {"accept": "accepted", "assign": "accepted", "release": "available", "recall": "cancelled"}
TASK_FROM = {
    "sealed": "available", "accepted": "accepted", "collected": "collected", "in_transit": "in_transit",
    "delivered": "delivered", "failed": "available",
}  # fmt: skip
WHO: dict[str, tuple[Role, ...]] = {
    "accept": ("holder", "courier", "sender", "reader"), "assign": ("leader", "admin", "courier", "sender"),
    "release": ("holder", "admin", "courier", "reader"), "recall": ("sender", "holder", "admin"),
}  # fmt: skip


@pytest.mark.parametrize("before", TASK_FROM)
async def test_a_task_moves_as_the_table_says(post: Post, everybody: Everybody, before: str) -> None:
    await asyncio.gather(
        *(one_task_try(post, everybody, before, what, role) for what in TASK_TRIES for role in WHO[what])
    )


async def one_task_try(post: Post, everybody: Everybody, before: str, what: str, role: Role) -> None:
    letter = await post.draft(everybody["sender"], recipient="ben")
    envelope = await Envelope(post, everybody, letter).be(before)
    was = await envelope.state()
    await envelope.rate()
    status, to = TASK_FROM[before], TASK_TRIES[what]
    as_role: Role = "courier" if what == "accept" and role == "holder" and was[6] is None else role
    if what == "assign" and role == "courier":
        as_role = "reader"  # may take it, and not give it
    error: DomainError | None = None
    try:
        await envelope.try_it(role, what)
    except DomainError as refused:
        error = refused
    now = await envelope.state()
    case = f"{status} -> {to} ({what}) by {role}: {error!r} {was} {now}"
    may = allowed(TASK, status, to, as_role) and not (what == "recall" and before == "failed")
    if may:
        assert error is None and now[5] == to, case
    else:
        assert now == was, case
        assert error is not None or status == to, case


def test_every_move_of_a_task_and_a_label_leads_on_or_ends() -> None:
    for table, ends in ((TASK, {"delivered", "cancelled"}), (LABEL, {"expired", "delivered", "cancelled"})):
        befores, afters = {move.before for move in table}, {move.after for move in table}
        assert afters - befores == ends
        assert len({move[:2] for move in table}) == len(table)


def test_what_letters_and_tasks_may_be_is_what_the_tables_reach() -> None:
    assert set(AGREEING) == {state for move in LETTER for state in move[:2]} - {"archived"}
    tasks = {state for move in TASK for state in move[:2]}
    assert {status for agreeing in AGREEING.values() for status in agreeing} - {None} == tasks


def test_a_move_is_what_it_says() -> None:
    assert Move("draft", "sealed", ("sender",)) in LETTER
