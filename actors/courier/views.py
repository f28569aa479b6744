"""How couriers look to those who may see them."""

from bisect import bisect_right
from datetime import date

from actors.courier.rows import read_slots
from actors.messages.courier import Courier, CourierFigures, Ranked
from actors.messages.user import PublicUser
from storage.postgres import Record

RANKS = (0, 100, 300, 600, 1_000, 1_500)
"""Points at which each rank begins."""


def rank_of(points: int) -> int:
    """The level of points, 1 to 6."""
    return bisect_right(RANKS, points)


def next_rank_at(points: int) -> int | None:
    """The points at which the next rank begins; None at the highest."""
    rank = rank_of(points)
    return RANKS[rank] if rank < len(RANKS) else None


def figures_of(row: Record, today: date) -> CourierFigures:
    """What a courier carries and has done."""
    return CourierFigures(
        open_tasks=row["open_tasks"], accepted_today=row["accepted_today"] if row["day"] == today else 0,
        delivered=row["delivered"], failed=row["failed"], late=row["late"], rank=rank_of(row["points"]),
        next_rank_at=next_rank_at(row["points"]),
    )  # fmt: skip


def courier_of(row: Record, now_day: date) -> Courier:
    """A courier, from `storage.courier.CourierStore.get_courier`."""
    return Courier(
        user=user_of(row), level=row["level"], prefixes=row["prefixes"], parent_id=row["parent_id"],
        status=row["status"], rating=round(row["rating"], 2), points=row["points"],
        max_daily_tasks=row["max_daily_tasks"], weekly_hours=row["weekly_hours"], transport=row["transport"],
        time_slots=read_slots(row["time_slots"]), stats=figures_of(row, now_day), since=row["since"],
        level_since=row["level_since"], created_at=row["created_at"],
    )  # fmt: skip


def ranked_of(row: Record, place: int) -> Ranked:
    """One line of the ranking."""
    return Ranked(
        place=place, user=user_of(row), level=row["level"], points=row["points"], rank=rank_of(row["points"]),
        delivered=row["delivered"], rating=round(row["rating"], 2),
    )  # fmt: skip


def user_of(row: Record) -> PublicUser:
    """The person; an active courier shows their level to everybody."""
    level = row["level"] if row.get("status", "active") == "active" else None
    return PublicUser(id=row["user_id"], username=row["username"], avatar=row["avatar"], courier_level=level)
