"""The whole square of points: applications of people and of couriers themselves, from every state, by everybody."""

from typing import Any

import pytest

from actors.messages.op_code import ApplyPoint, ApprovePoint, RejectPoint, ReleasePoint
from actors.op_code.moves import POINT
from actors.runtime.ids import uuid7
from tests.courier.house import CourierHouse
from tests.courier.office import Office, says_why

STATES = ("none", "pending", "approved", "rejected", "released")
MOVES = {"approve": "approved", "reject": "rejected", "release": "released"}
WISH = ApplyPoint(school="PK", area="5F", type="box", name="Box", address="Hall")
GIVERS = {"area", "school", "city"}
KIND = "op_applications"


class Point:
    """An application, and the point that it became."""

    def __init__(self, office: Office, user_id: str) -> None:
        self.office = office
        self.user_id = user_id
        self.id, self.code = uuid7(), "PK5FZZ"

    async def be(self, status: str) -> "Point":
        """Bring it there, by an administrator."""
        if status != "none":
            self.id = (await self.office.ask(KIND, WISH, self.user_id)).id
        for move in {"approved": ["approve"], "rejected": ["reject"], "released": ["approve", "release"]}.get(
            status, []
        ):
            done = await self.office.ask(KIND, self.message(move), self.office.people["admin"])
            self.code = done.code or self.code
        return self

    def message(self, move: str) -> Any:
        return {
            "approve": ApprovePoint(point_id=self.id), "reject": RejectPoint(point_id=self.id, reason="no"),
            "release": ReleasePoint(code=self.code, reason="out"),
        }[move]  # fmt: skip

    async def row(self) -> Any:
        rows = await self.office.house.sql("select n, status, code, note from op_application where id = $1", self.id)
        return [tuple(row) for row in rows]


def allowed(move: str, status: str, who: str, applicant: str) -> bool:
    """What the table says of who plays whom."""
    roles = {"applicant"} if who == applicant else {"giver"} if who in GIVERS else {who}
    return any(step.from_ == status and step.to == MOVES[move] and roles & step.who for step in POINT)


@pytest.mark.parametrize("status", STATES)
async def test_a_point_moves_as_the_table_says(post_house: CourierHouse, database_dsn: str, status: str) -> None:
    office = await Office.open(post_house, database_dsn)
    people = {**office.people, "nobody": await office.person()}
    for applicant in ("stranger", "building", "area", "school"):
        await try_everything(office, people, applicant, status)


async def try_everything(office: Office, people: dict[str, str], applicant: str, status: str) -> None:
    point = await Point(office, people[applicant]).be(status)
    was = await point.row()
    for move, after in MOVES.items():
        for who, user_id in people.items():
            case = f"{status} -> {after} by {who} for {applicant}"
            if allowed(move, status, who, applicant):
                one = await Point(office, people[applicant]).be(status)
                error = await office.attempt(KIND, one.message(move), user_id)
                assert error is None and (await one.row())[0][1] == after, (case, error)
                continue
            error = await office.attempt(KIND, point.message(move), user_id)
            assert await point.row() == was, case
            is_said_again = status == after and (who == "admin" or (who in GIVERS and who != applicant))
            assert (is_said_again and move != "release") or says_why(error, status, after), (case, error)


async def test_nobody_gives_a_point_to_themselves(post_house: CourierHouse, database_dsn: str) -> None:
    office = await Office.open(post_house, database_dsn)
    for who in ("area", "school", "city"):
        point = await Point(office, office.people[who]).be("pending")
        error = await office.attempt(KIND, point.message("approve"), office.people[who])
        assert error is not None and (error.code, error.extra["to"]) == ("forbidden", "approved")
    assert await office.attempt(KIND, point.message("approve"), office.people["admin"]) is None
