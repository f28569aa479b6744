"""The whole square of labels: who moves them from where, and how they follow their letter."""

from typing import Any

import pytest

from actors.messages.label import ExpireLabels
from actors.moves import LABEL, Role
from actors.runtime.ids import uuid7
from actors.runtime.message import SYSTEM
from tests.letter.house import DOOR, HOME, Post
from tests.system.house import Person

STATES = ("unbound", "bound", "in_transit", "delivered", "expired", "cancelled")
WHO: dict[str, Role | None] = {
    "sender": "sender", "holder": "holder", "admin": "admin", "maker": "courier", "other maker": None,
    "recipient": None, "stranger": None,
}  # fmt: skip
VERBS = {"bind": "bound", "cancel": "cancelled"}
COUNTS: dict[str, set[Role]] = {"bind": {"sender", "holder", "admin"}, "cancel": {"courier", "admin"}}
LETTER_HAS_IT = {"in_transit", "delivered"}
"""To bind the label that a letter has already is the same again, wherever the letter is."""
Label = dict[str, Any]


class Printer:
    """Labels in every state, each with the letter that it means or might mean."""

    def __init__(self, post: Post, people: dict[str, Person]) -> None:
        self.post = post
        self.people = people
        self._codes: list[str] = []

    async def fresh(self) -> Label:
        """A label of a batch of its own, so that it expires alone; and a letter that its courier has accepted."""
        maker = self.people["maker"]
        batch = await self.post.call(maker, "POST", "/labels/batches", {"count": 1}, expect=201)
        page = await self.post.call(maker, "GET", f"/labels/batches/{batch['id']}/labels")
        return {"code": page["items"][0]["code"], "batch_id": batch["id"], "letter": await self.letter()}

    async def letter(self) -> dict[str, Any]:
        letter = await self.post.sealed(self.people["sender"], recipient="ben")
        await self.post.task(self.people["holder"], letter, "accept")
        return letter

    async def be(self, status: str) -> Label:
        """Bring a label there by what people do, and time."""
        label = await self.fresh()
        if status in {"bound", "in_transit", "delivered"}:
            await self.attempt(self.people["sender"], label, "bind")
        steps = {"in_transit": ("collect", "transit"), "delivered": ("collect", "transit", "deliver")}
        for action in steps.get(status, ()):
            await self.scan(label, action)
        if status == "cancelled":
            await self.attempt(self.people["maker"], label, "cancel")
        if status == "expired":
            await self.expire(label)
        assert await self.status(label) == status
        return label

    async def scan(self, label: Label, action: str) -> None:
        place = DOOR if action == "deliver" else HOME
        await self.post.scan(self.people["holder"], label["letter"], action, place)

    async def expire(self, label: Label) -> None:
        order = ExpireLabels(batch_id=label["batch_id"], timer_id=uuid7())
        await self.post.served.refs("labels", "").ask(order, SYSTEM)

    async def attempt(self, by: Person, label: Label, verb: str) -> tuple[int, Any]:
        body = {"letter_id": label["letter"]["id"]} if verb == "bind" else None
        answer = await self.post.served.http.post(
            f"/api/v1/labels/{label['code']}/{verb}", json=body, headers={"Authorization": f"Bearer {by.token}"}
        )
        return answer.status, await answer.json()

    async def status(self, label: Label) -> str:
        [row] = await self.post.sql("select status from label where code = $1", label["code"])
        return str(row["status"])

    async def row(self, label: Label) -> Any:
        """Everything that a refused move might have changed."""
        return await self.post.sql(
            "select l.*, t.n, t.label_code from label l left join letter t on t.id = $2 where l.code = $1",
            label["code"], label["letter"]["id"],
        )  # fmt: skip


@pytest.fixture
async def printer(post: Post, ada: Person, ben: Person) -> Printer:
    maker, other = [await post.courier(name, "PK", level=3) for name in ("mia", "max")]
    holder = await post.courier("cat", "PK5F", "QH7A", limit=1_000)
    people = {"sender": ada, "recipient": ben, "admin": post.admin, "maker": maker, "other maker": other}
    return Printer(post, {**people, "holder": holder, "stranger": await post.served.person("stan")})


def may(role: Role | None, verb: str, before: str) -> bool:
    """Whether the table lets them."""
    after = VERBS[verb]
    return role in COUNTS[verb] and any(move[:2] == (before, after) and role in move.who for move in LABEL)


@pytest.mark.parametrize("before", STATES)
async def test_people_move_a_label_as_the_table_says(printer: Printer, before: str) -> None:
    label = await printer.be(before)
    was = await printer.row(label)
    for verb, after in VERBS.items():
        for who, role in WHO.items():
            case = f"{before} -> {after} by {who}"
            if may(role, verb, before):
                another = await printer.be(before)
                status, answer = await printer.attempt(printer.people[who], another, verb)
                assert (status, answer["status"], await printer.status(another)) == (200, after, after), case
                continue
            status, answer = await printer.attempt(printer.people[who], label, verb)
            assert await printer.row(label) == was, case
            is_said_again = role in COUNTS[verb] and (before == after or (verb == "bind" and before in LETTER_HAS_IT))
            assert (status == 200) == is_said_again, (case, status, answer)
            if status != 200:
                assert status in {403, 404, 409}, (case, status)
            if status in {403, 409}:
                assert (answer["from"], answer["to"]) == (before, after), case


@pytest.mark.parametrize("before", STATES)
async def test_a_label_follows_its_letter_and_time_as_the_table_says(printer: Printer, before: str) -> None:
    def after(to: str) -> str:
        return to if any(move[:2] == (before, to) and "house" in move.who for move in LABEL) else before

    label = await printer.be(before)
    await printer.expire(label)
    assert await printer.status(label) == after("expired")
    recalled = await printer.be(before)
    expect = 200 if before not in LETTER_HAS_IT else 409
    await printer.post.act(printer.people["sender"], recalled["letter"], "recall", expect=expect)
    assert await printer.status(recalled) == (after("cancelled") if before == "bound" else before)
    carried = await printer.be(before)
    for action in {"in_transit": ["deliver"], "delivered": []}.get(before, ["collect", "transit"]):
        await printer.scan(carried, action)
    follows = {"bound": "in_transit", "in_transit": "delivered"}
    assert await printer.status(carried) == (after(follows[before]) if before in follows else before)


async def test_a_label_means_one_letter_and_a_letter_has_one_label(printer: Printer) -> None:
    sender = printer.people["sender"]
    label, second = await printer.be("bound"), await printer.fresh()
    other = {**label, "letter": await printer.letter()}
    for wrong, before in ((other, "bound"), ({**second, "letter": label["letter"]}, "unbound")):
        status, answer = await printer.attempt(sender, wrong, "bind")
        assert (status, answer["from"], answer["to"]) == (409, before, "bound")
    assert await printer.status(second) == "unbound"
