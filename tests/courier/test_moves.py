"""The whole square of every table: each allowed move works for each allowed role, every other changes nothing."""

import re
from pathlib import Path
from typing import Any

import pytest

from actors.courier import moves
from actors.op_code.moves import POINT
from tests.courier.house import Chain, CourierHouse
from tests.system.house import Person

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "couriers.md"
SMALL = {"prefixes": ["PK5F"], "max_daily_tasks": 5, "weekly_hours": 5}
LARGE = {**SMALL, "max_daily_tasks": 50}
WISH = {"school": "PK", "area": "5F", "type": "box", "name": "Box", "address": "Hall"}
WHO = ("self", "stranger", "parent", "above", "admin")
ROLES: dict[str, set[str]] = {
    "self": {"self"}, "house": {"self"}, "decider": {"parent"}, "appointer": {"parent"}, "parent": {"parent"},
    "above": {"parent", "above"}, "admin": {"admin"},
}  # fmt: skip
"""Who of the test's people plays whom: `parent` is the level-2 courier of the building, `above` one of level 3."""


class Square:
    """Brings a new person into a status, and lets others try a move on them."""

    def __init__(self, house: CourierHouse, chain: Chain, stranger: Person) -> None:
        self.house = house
        self.chain = chain
        self.stranger = stranger
        self._count = 0

    async def subject(self, status: str) -> Person:
        self._count += 1
        person = await self.house.person(f"subject{self._count}")
        if status in {"pending", "rejected"}:
            made = await self.house.post(person, "/couriers/applications", LARGE, expect=201)
            if status == "rejected":
                path = f"/couriers/applications/{made['id']}/reject"
                await self.house.post(self.chain.area, path, {"reason": "no"})
        elif status != "none":
            await self.house.appoint(self.chain.area, person, 1, "PK5F")
            if status == "suspended":
                await self.house.post(self.chain.area, f"/couriers/{person.id}/suspend", {"reason": "rest"})
        return person

    def actor(self, who: str, subject: Person) -> Person:
        return {
            "self": subject, "stranger": self.stranger, "parent": self.chain.area, "above": self.chain.school,
            "admin": self.house.admin,
        }[who]  # fmt: skip

    async def application(self, subject: Person) -> str:
        rows = await self.house.sql("select id from courier_application where user_id = $1", subject.id)
        return rows[0]["id"] if rows else "018f5d7e-0000-7000-8000-000000000000"

    async def attempt(self, move: str, by: Person, subject: Person) -> tuple[int, Any]:
        base = f"/couriers/{subject.id}"
        asked = f"/couriers/applications/{await self.application(subject)}"
        path, body = {
            "apply": ("/couriers/applications", LARGE), "admit": ("/couriers/applications", SMALL),
            "approve": (f"{asked}/approve", {}), "reject": (f"{asked}/reject", {"reason": "no"}),
            "appoint": ("/couriers", {"user_id": subject.id, "level": 1, "prefixes": ["PK5F"]}),
            "suspend": (f"{base}/suspend", {"reason": "rest"}), "resume": (f"{base}/resume", None),
        }[move]  # fmt: skip
        answer = await self.house.served.http.post(
            f"/api/v1{path}", json=body, headers={"Authorization": f"Bearer {by.token}"}
        )
        return answer.status, await answer.json()

    async def facts(self, subject: Person) -> tuple[str, int]:
        rows = await self.house.sql("select status, n from courier where user_id = $1", subject.id)
        return (rows[0]["status"], rows[0]["n"]) if rows else ("none", 0)


@pytest.fixture
async def square(post_house: CourierHouse, chain: Chain, ben: Person) -> Square:
    return Square(post_house, chain, ben)


MOVES = ("apply", "admit", "approve", "reject", "appoint", "suspend", "resume")
SAME = {("approve", "active"), ("reject", "rejected"), ("suspend", "suspended"), ("resume", "active")}
"""Who says the same again gets the same answer."""


@pytest.mark.parametrize("from_", ["none", "pending", "active", "suspended", "rejected"])
async def test_a_courier_moves_as_the_table_says_and_not_otherwise(square: Square, from_: str) -> None:
    for name in MOVES:
        subject = await square.subject(from_)
        whos = [who for who in WHO if not (name in {"apply", "admit"} and who != "self")]
        allowed = moves.find(moves.COURIER, name, from_)
        may = set().union(*(ROLES[who] for who in allowed.who)) if allowed is not None else set()
        for who in whos:
            before = await square.facts(subject)
            status, answer = await square.attempt(name, square.actor(who, subject), subject)
            after = await square.facts(subject)
            if allowed is not None and who in may:
                assert status in {200, 201} and after[0] == allowed.to, (name, who, status, answer)
                subject = await square.subject(from_)
                continue
            assert after == before, (name, who, status)
            assert status >= 400 or (name, from_) in SAME, (name, who, status)
            if status == 409:
                assert (answer["from"], "to" in answer) == (answer["from"], True)


@pytest.mark.parametrize("from_", ["pending", "approved", "rejected", "released"])
async def test_a_point_moves_as_the_table_says_and_not_otherwise(
    post_house: CourierHouse, chain: Chain, ada: Person, ben: Person, from_: str
) -> None:
    async def subject() -> Any:
        made = await post_house.post(ada, "/op-codes/applications", WISH, expect=201)
        path = f"/op-codes/applications/{made['id']}"
        if from_ == "rejected":
            return await post_house.post(chain.area, f"{path}/reject", {"reason": "no"})
        if from_ in {"approved", "released"}:
            made = await post_house.post(chain.area, f"{path}/approve", {})
        if from_ == "released":
            made = await post_house.post(ada, f"/op-codes/{made['code']}/release", {})
        return made

    people = {
        "applicant": ada,
        "stranger": ben,
        "building": chain.building,
        "giver": chain.area,
        "admin": post_house.admin,
    }
    for to, route in (("approved", "approve"), ("rejected", "reject"), ("released", "release")):
        allowed = next((move.who for move in POINT if move.from_ == from_ and move.to == to), frozenset())
        for who, person in people.items():
            made = await subject()
            path = f"/op-codes/applications/{made['id']}/{route}"
            if route == "release":
                path = f"/op-codes/{made['code'] or 'PK5FZZ'}/release"
            answer = await post_house.served.http.post(
                f"/api/v1{path}", json={"reason": "x"} if route != "approve" else {},
                headers={"Authorization": f"Bearer {person.token}"},
            )  # fmt: skip
            rows = await post_house.sql("select status from op_application where id = $1", made["id"])
            if who in allowed:
                assert (answer.status, rows[0]["status"]) == (200, to), (to, who)
            else:
                assert rows[0]["status"] == from_
                assert answer.status in {403, 404, 409} or (from_ == to and who in {"giver", "admin"}), (to, who)


def test_each_step_of_a_promotion_is_one_level_and_tells_who_decides() -> None:
    assert [(move.from_, move.to) for move in moves.PROMOTION] == [("1", "2"), ("2", "3"), ("3", "4")]
    assert all("admin" in move.who for move in moves.PROMOTION)


def test_the_document_shows_the_tables() -> None:
    found = set(
        re.findall(r"^\| `(\w+)` \| `(\w+)` \| `(\w+)` \| ([^|]+) \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    )
    expected = {
        (f"{move.name}", move.from_, move.to, ", ".join(sorted(move.who)))
        for table in moves.TABLES.values()
        for move in table
    } | {("point", move.from_, move.to, ", ".join(sorted(move.who))) for move in POINT}
    assert found == expected
