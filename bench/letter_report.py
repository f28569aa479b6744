"""What became of all letters: what is lost or doubled, how long they took, how fairly work was spread; as pictures."""

import sys
from collections.abc import Sequence
from typing import Any

import pygal

from bench.letter_house import LetterHouse
from bench.letter_world import World

# pygal adds a finder of a kind that Python has given up: every import of what is not there would warn.
sys.meta_path[:] = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]

WRONG = {
    "letters that were sealed and neither arrived nor failed, while nobody can take their task":
        "select count(*) from letter l left join delivery d on d.id = l.task_id where l.sealed_at is not null and not"
        " (l.status in ('delivered', 'read') and d.status = 'delivered' or l.status = 'failed' and d.status = 'failed'"
        " or l.status in ('sealed', 'failed') and d.status = 'available')",
    "letters without a task, or with more than one":
        "select count(*) from letter l where sealed_at is not null"
        " and 1 <> (select count(*) from delivery d where d.letter_id = l.id)",
    "codes that two letters have": "select count(*) - count(distinct code) from letter where code is not null",
    "tasks that were delivered more than once":
        "select count(*) from (select 1 from event where type = 'delivery.changed' and body ->> 'to' = 'delivered'"
        " group by stream having count(*) > 1) more",
    "tasks that two couriers have accepted from the pool, one after the other without its being free between":
        "select count(*) from (select lag(body ->> 'to') over (partition by stream order by n) as was,"
        " body ->> 'from' as f"
        " from event where type = 'delivery.changed') steps where was is not null and was <> f and f <> 'available'",
    "couriers who carry another number of tasks than is kept of them":
        "select count(*) from courier_load l where open_tasks <> (select count(*) from delivery d where d.courier_id ="
        " l.user_id and d.status in ('accepted', 'collected', 'in_transit') and d.courier_level is not null)",
    "couriers who have taken more in a day than they may":
        "select count(*) from courier_day d join courier c using (user_id) where d.accepted > c.max_daily_tasks",
}  # fmt: skip
"""What must not be, and how to count it."""

TIMES = (
    "select extract(epoch from delivered_at - sealed_at) / 3600 as hours from letter where delivered_at is not null"
    " order by 1"
)
WORK = "select c.level, l.delivered, l.late, l.failed from courier c join courier_load l using (user_id)"
ACCEPTED = "select user_id::text, sum(accepted) as accepted from courier_day group by user_id"


async def find_wrong(house: LetterHouse) -> dict[str, int]:
    """Count what must not be; empty where all is well."""
    counted = {what: (await house.sql(statement))[0][0] for what, statement in WRONG.items()}
    return {what: count for what, count in counted.items() if count}


async def report(house: LetterHouse, world: World) -> dict[str, Any]:
    """The figures of a run that has ended."""
    states = await house.sql("select status, count(*) from letter group by status order by status")
    hours = [float(row["hours"]) for row in await house.sql(TIMES)]
    accepted = {row["user_id"]: row["accepted"] for row in await house.sql(ACCEPTED)}
    shares = [accepted.get(one.id, 0) for one in world.couriers.values() if one.level == 1]
    quick = [accepted.get(one.id, 0) for one in world.couriers.values() if one.level == 1 and not one.is_slow]
    work = await house.sql(WORK)
    return {
        "letters": {row["status"]: row["count"] for row in states},
        "hours_to_delivery": {str(part): round(_quantile(hours, part / 100), 2) for part in (10, 50, 90, 99, 100)},
        "tasks_per_courier": {str(part): _quantile(sorted(shares), part / 100) for part in (0, 10, 50, 90, 100)},
        "fairness": {
            "jain": round(jain(shares), 3), "gini": round(gini(shares), 3), "jain_of_quick": round(jain(quick), 3),
        },
        "delivered_by_level": {
            level: sum(row["delivered"] for row in work if row["level"] == level) for level in (1, 2, 3, 4)
        },
        "late": sum(row["late"] for row in work), "failed_attempts": sum(row["failed"] for row in work),
        "refused": house.refused, "turns": house.done,
    }  # fmt: skip


def jain(shares: Sequence[int]) -> float:
    """Jain's index: 1 where everybody has the same, 1/n where one has all."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 1.0


def gini(shares: Sequence[int]) -> float:
    """Gini's coefficient: 0 where everybody has the same."""
    total, ordered = sum(shares), sorted(shares)
    if not total:
        return 0.0
    weighted = sum((2 * place - len(ordered) - 1) * share for place, share in enumerate(ordered, 1))
    return weighted / (len(ordered) * total)


async def draw(house: LetterHouse, world: World) -> dict[str, bytes]:
    """Draw delivery times and everybody's share as SVG, by file name."""
    hours = [float(row["hours"]) for row in await house.sql(TIMES)]
    accepted = {row["user_id"]: int(row["accepted"]) for row in await house.sql(ACCEPTED)}
    shares = sorted((accepted.get(one.id, 0) for one in world.couriers.values() if one.level == 1), reverse=True)
    times = pygal.Histogram(title="Hours from seal to delivery", show_legend=False, x_title="hours", y_title="letters")
    times.add("letters", _bars(hours))
    share = pygal.Bar(title="Tasks that each level-1 courier has taken", show_legend=False, y_title="tasks")
    share.add("tasks", shares)
    return {"letters-delivery-times.svg": times.render(), "letters-fairness.svg": share.render()}


def _bars(hours: Sequence[float], parts: int = 40) -> list[tuple[int, float, float]]:
    """(letters, from, to) of equal stretches up to the slowest but one in a hundred."""
    if not hours:
        return []
    width = max(_quantile(hours, 0.99), 0.1) / parts
    return [
        (sum(part * width <= hour < (part + 1) * width for hour in hours), part * width, (part + 1) * width)
        for part in range(parts)
    ]


def _quantile(ordered: Sequence[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0
