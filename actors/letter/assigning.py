"""Whom the house gives a task that nobody has taken."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from storage.postgres import Record

R = TypeVar("R", Record, dict[str, Any])

LEVEL_SCORE = {1: 40, 2: 30, 3: 20, 4: 10}
ZONE_SCORE = {6: 50, 5: 30, 4: 30, 2: 20}
_BEGINNING = datetime.min.replace(tzinfo=UTC)


def score(row: Record | Mapping[str, Any], target: str) -> float:
    """How well a courier fits a task: rating, level, territory, what they carry already, what they have earned."""
    zone = max((ZONE_SCORE.get(len(prefix), 0) for prefix in row["prefixes"] if target.startswith(prefix)), default=0)
    load = 30 / (1 + 0.5 * row["open_tasks"])
    experience = min(15.0, row["points"] / 100)
    return float(20 * row["rating"] + LEVEL_SCORE[row["level"]] + zone + load + experience)


def choose(rows: Sequence[R], target: str) -> R | None:
    """Return the best of those of the nearest level that has any; ties: fewest open tasks, then longest idle."""
    if not rows:
        return None
    nearest = min(row["level"] for row in rows)
    return min(
        (row for row in rows if row["level"] == nearest),
        key=lambda row: (-score(row, target), row["open_tasks"], row["last_at"] or _BEGINNING, str(row["user_id"])),
    )
