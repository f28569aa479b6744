"""The whole square of promotions: at every level, from every state of the request, by everybody."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actors.courier import moves
from actors.messages.courier import ApproveApplication, PromoteCourier, RejectApplication
from actors.runtime.ids import uuid7
from tests.courier.house import CourierHouse
from tests.courier.office import Office, says_why

WHERE = {1: ("PK5F", "area"), 2: ("PK5F", "school"), 3: ("PK", "city")}
"""Level -> territory, and who stands above."""
DECIDER = {1: "school", 2: "city", 3: None}
STATES = ("none", "pending", "approved", "rejected")
KIND = "courier_applications"


async def qualify(office: Office, level: int, user_id: str) -> None:
    """Reach what the next level asks for: ten deliveries on seven days, three who are led, ninety days."""
    if level == 1:
        today = datetime.now(UTC).date()
        for day in range(10):
            await office.house.sql(
                "insert into courier_day (user_id, day, delivered) values ($1, $2, 1)", user_id, today - timedelta(day)
            )
        await office.house.sql("update courier_load set delivered = 10 where user_id = $1", user_id)
    for _ in range(3 if level == 2 else 0):
        below = await office.add(f"below {user_id}", 1, "PK5F")
        await office.house.sql("update courier set parent_id = $1 where user_id = $2", user_id, below)
    if level == 3:
        long_ago = datetime.now(UTC) - timedelta(days=91)
        await office.house.sql("update courier set level_since = $1 where user_id = $2", long_ago, user_id)


async def subject(office: Office, level: int, status: str) -> tuple[str, str]:
    """Somebody who has reached the next level's thresholds, and their request."""
    prefix, parent = WHERE[level]
    user_id, asked = await office.add("self", level, prefix, parent=parent), uuid7()
    await qualify(office, level, user_id)
    if status == "none":
        return user_id, asked
    asked = (await office.ask(KIND, PromoteCourier(courier_id=user_id), user_id)).id
    if status == "approved":
        await office.ask(KIND, ApproveApplication(application_id=asked), office.people["admin"])
    if status == "rejected":
        await office.ask(KIND, RejectApplication(application_id=asked, reason="no"), office.people["admin"])
    return user_id, asked


async def facts(office: Office, user_id: str) -> tuple[Any, ...]:
    rows = await office.house.sql(
        "select c.n, c.level, array_agg(a.id || a.status) from courier c"
        " left join courier_application a using (user_id) where c.user_id = $1 group by c.user_id", user_id,
    )  # fmt: skip
    return tuple(rows[0])


def allowed(move: str, status: str, level: int, who: str) -> bool:
    """What the tables say. Who was promoted has reached nothing of the level after that yet."""
    if move == "file":
        return who == "self" and status in {"none", "rejected"}
    roles = {"admin"} if who == "admin" else {"decider"} if who == DECIDER[level] else set()
    found = moves.find(moves.APPLICATION, move, status), moves.find(moves.PROMOTION, "promote", str(level))
    return all(step is not None and bool(roles & step.who) for step in found)


def message(move: str, user_id: str, asked: str) -> Any:
    if move == "file":
        return PromoteCourier(courier_id=user_id)
    return (
        ApproveApplication(application_id=asked)
        if move == "approve"
        else RejectApplication(application_id=asked, reason="no")
    )


@pytest.mark.parametrize("level", [1, 2, 3])
async def test_a_promotion_moves_as_the_tables_say(post_house: CourierHouse, database_dsn: str, level: int) -> None:
    office = await Office.open(post_house, database_dsn)
    for status in STATES:
        await try_everything(office, level, status)


async def try_everything(office: Office, level: int, status: str) -> None:
    user_id, asked = await subject(office, level, status)
    was = await facts(office, user_id)
    for move, after in (("file", "pending"), ("approve", "approved"), ("reject", "rejected")):
        for who in [*office.people]:
            case = f"level {level}: {status} -> {after} by {who}"
            if not who.startswith("below") and not allowed(move, status, level, who):
                by = user_id if who == "self" else office.people[who]
                error = await office.attempt(KIND, message(move, user_id, asked), by)
                assert await facts(office, user_id) == was, case
                is_said_again = status == after and who in {"admin", DECIDER[level]} and move != "file"
                now = level + 1 if status == "approved" else level
                pending = ("pending", "pending") if (who, status) == ("self", "pending") else (str(now), str(now + 1))
                steps = pending if move == "file" else (status, after)
                if (who, move, now) == ("self", "file", 4):
                    steps = ("4", None)  # type: ignore[assignment]
                assert is_said_again or says_why(error, *steps), (case, error, getattr(error, "extra", None))
            elif not who.startswith("below"):
                one, its = await subject(office, level, status)
                error = await office.attempt(
                    KIND, message(move, one, its), one if who == "self" else office.people[who]
                )
                n, now_level, _ = await facts(office, one)
                assert error is None and n > 0, (case, error)
                assert now_level == (level + 1 if move == "approve" else level), case
