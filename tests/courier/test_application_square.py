"""The whole square of applications to become a courier: from every state, by everybody."""

from typing import Any

import pytest

from actors.courier import moves
from actors.messages.courier import ApplyCourier, AppointCourier, ApproveApplication, RejectApplication
from actors.runtime.ids import uuid7
from tests.courier.house import CourierHouse
from tests.courier.office import Office, says_why

STATES = ("none", "pending", "approved", "rejected")
MOVES = {"file": "pending", "approve": "approved", "reject": "rejected", "overtake": "approved"}
ASKED: dict[str, Any] = {"prefixes": ["PK5F"], "max_daily_tasks": 50, "weekly_hours": 5}
ROLES = {"self": {"self"}, "area": {"decider", "appointer"}, "admin": {"admin"}}
KIND = "courier_applications"


def message(move: str, user_id: str, asked: str) -> tuple[str, Any]:
    return {
        "file": (KIND, ApplyCourier(**ASKED)), "approve": (KIND, ApproveApplication(application_id=asked)),
        "reject": (KIND, RejectApplication(application_id=asked, reason="no")),
        "overtake": ("couriers", AppointCourier(user_id=user_id, level=1, prefixes=["PK5F"])),
    }[move]  # fmt: skip


async def subject(office: Office, status: str) -> tuple[str, str]:
    """Somebody, and their application."""
    user_id, asked = await office.person(), uuid7()
    if status != "none":
        asked = (await office.ask(KIND, ApplyCourier(**ASKED), user_id)).id
    decide = {"approved": "approve", "rejected": "reject"}.get(status)
    if decide is not None:
        await office.ask(*message(decide, user_id, asked), office.people["area"])
    return user_id, asked


async def facts(office: Office, user_id: str) -> list[Any]:
    """The courier's row, and every application with its status."""
    rows = await office.house.sql(
        "select c.n, c.status, a.id, a.status as application from courier c join courier_application a using (user_id)"
        " where user_id = $1 order by a.id", user_id,
    )  # fmt: skip
    return [tuple(row) for row in rows]


def allowed(move: str, status: str, who: str) -> bool:
    """What the table says; who was refused may ask anew, which is another application."""
    from_ = "none" if (move, status) == ("file", "rejected") else status
    step = moves.find(moves.APPLICATION, move, from_)
    return step is not None and bool(ROLES.get(who, set()) & step.who)


@pytest.mark.parametrize("status", STATES)
async def test_an_application_moves_as_the_table_says(post_house: CourierHouse, database_dsn: str, status: str) -> None:
    office = await Office.open(post_house, database_dsn)
    user_id, asked = await subject(office, status)
    was = await facts(office, user_id)
    for move, after in MOVES.items():
        for who in [*office.people, "self"]:
            if (move == "file" and who != "self") or (move == "overtake" and status in {"none", "rejected"}):
                continue  # everybody files their own; where nothing waits an appointment overtakes nothing
            case = f"{status} -> {after} ({move}) by {who}"
            if allowed(move, status, who):
                one, its = await subject(office, status)
                error = await office.attempt(*message(move, one, its), one if who == "self" else office.people[who])
                assert error is None and (await facts(office, one))[-1][3] == after, (case, error)
                continue
            error = await office.attempt(
                *message(move, user_id, asked), user_id if who == "self" else office.people[who]
            )
            assert await facts(office, user_id) == was, case
            is_said_again = status == after and who in {"area", "admin"} and move in {"approve", "reject"}
            if move in {"approve", "reject"}:
                assert is_said_again or says_why(error, status, after), (case, error)
            else:
                assert error is not None, case


async def test_the_house_admits_from_nothing_alone(post_house: CourierHouse, database_dsn: str) -> None:
    office = await Office.open(post_house, database_dsn)
    little = ApplyCourier(**{**ASKED, "max_daily_tasks": 5})
    for status in STATES:
        user_id, _ = await subject(office, status)
        was = await facts(office, user_id)
        error = await office.attempt(KIND, little, user_id)
        now = await facts(office, user_id)
        if status in {"none", "rejected"}:
            assert error is None and now[-1][3] == "approved" and len(now) == len(was) + 1
        else:
            assert says_why(error, {"pending": "pending", "approved": "active"}[status], "active") and now == was
