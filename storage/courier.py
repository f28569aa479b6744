"""Couriers, and what they carry: reads, and the writes of the turns in which letters change hands.

How many tasks somebody carries is a shared row. These writes are merge-safe: of many in one execution, or in many
houses, none sees an old number, so the limit of a day holds whatever comes at once.
"""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, datetime

from storage import queries
from storage.postgres import Database, Record
from storage.shared import SharedRead
from storage.write import Write

Q = queries.load("courier")

LOWEST_RATING = 3.0
"""Whoever is rated below this takes nothing new."""
DELIVERY_POINTS = 5
FIRST_POINTS = 20
LATE_POINTS = -5
DELIVERY_RATING = 0.05
LATE_RATING = -0.25
FAILED_RATING = -0.05
TALLIES = 500


def day_of(now: datetime) -> date:
    """The day (UTC) that a courier's limit counts."""
    return now.date()


def accept_write(user_id: str, pickup: str, target: str, now: datetime, otherwise: Exception) -> Write:
    """A courier takes a task: counted for today, and as one that is carried.

    The turn is refused with ``otherwise`` unless the courier is active, rated 3.0 or better, has authority over pickup
    or target, and has not taken ``max_daily_tasks`` today. What is released later stays counted for the day.
    """
    row = _row(user_id, now, more=1, accepted=1, pickup=pickup, target=target, lowest_rating=LOWEST_RATING)
    return Write(Q.count_tasks, row, expect=1, otherwise=otherwise)


def move_write(giver: str, taker: str, pickup: str, target: str, now: datetime, otherwise: Exception) -> Write:
    """A task goes from hand to hand. No limit of a day: paper has to lie somewhere.

    The turn is refused with ``otherwise`` unless the taker is active with authority over pickup or target.
    """
    row = _row(taker, now, giver=giver, more=1, pickup=pickup, target=target, lowest_rating=0.0)
    return Write(Q.count_tasks, row, expect=1, otherwise=otherwise)


def release_write(user_id: str, now: datetime) -> Write:
    """A task goes back to the pool, and nobody is to blame."""
    return Write(Q.count_tasks, _row(user_id, now, more=-1))


def late_write(user_id: str, now: datetime) -> Write:
    """A task goes back to the pool because its deadline is long past: points and rating hear of it."""
    return Write(Q.count_tasks, _row(user_id, now, more=-1, late=1, rating=LATE_RATING, points=LATE_POINTS))


def overdue_write(user_id: str, now: datetime) -> Write:
    """A deadline is long past, and the courier keeps the task: points and rating hear of it."""
    return Write(Q.count_tasks, _row(user_id, now, late=1, rating=LATE_RATING, points=LATE_POINTS))


def deliver_write(user_id: str, now: datetime) -> Write:
    """A task is delivered. Its row is ``(ord, points earned)``; the first delivery of all earns 20."""
    row = _row(user_id, now, more=-1, delivered=1, rating=DELIVERY_RATING, points=DELIVERY_POINTS)
    return Write(Q.count_tasks, row)


def fail_write(user_id: str, now: datetime) -> Write:
    """A delivery has failed, and the courier is rid of the task."""
    return Write(Q.count_tasks, _row(user_id, now, more=-1, failed=1, rating=FAILED_RATING))


def mandate_write(user_id: str, level: int, prefixes: Sequence[str], otherwise: Exception) -> Write:
    """Refuse the turn unless somebody is an active courier of that level or above, whose territory holds these."""
    row = (user_id, level, json.dumps(list(prefixes)))
    return Write(Q.hold_mandates, row, expect=1, otherwise=otherwise)


def _row(
    user_id: str, now: datetime, *, giver: str | None = None, more: int = 0, accepted: int = 0, delivered: int = 0,
    failed: int = 0, late: int = 0, rating: float = 0.0, points: int = 0, pickup: str | None = None,
    target: str | None = None, lowest_rating: float | None = None,
) -> tuple[object, ...]:  # fmt: skip
    """What is to be added, and, where it is taken, on which conditions. See `count_tasks`."""
    first = FIRST_POINTS - DELIVERY_POINTS
    added = (more, accepted, delivered, failed, late, rating, points, first)
    return (user_id, giver, day_of(now), *added, pickup, target, lowest_rating, now)


class CourierStore:
    """Reads; writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._couriers: SharedRead[str] = SharedRead(database, Q.get_couriers, key="user_id")

    async def get_courier(self, user_id: str) -> Record | None:
        """A courier's row with what they carry; None: no courier, and never was one. Look at ``status``."""
        return await self._couriers.get(user_id) if user_id else None

    async def list_takers(self, pickup: str, target: str, now: datetime) -> list[Record]:
        """Active couriers of the nearest level that has any who may take such a task now.

        Those who have authority where it lies, or, where there are none, where it goes: they could not collect it.
        """
        return await self._database.fetch(Q.list_takers, pickup, target, day_of(now), LOWEST_RATING)

    async def get_state(self, user_id: str) -> Record | None:
        """The owned row with the columns of the last application (``a_<name>``), for the courier's actor."""
        return await self._database.fetchrow(Q.get_state, user_id)

    async def list_territories(self, user_ids: Iterable[str]) -> dict[str, list[str]]:
        """The prefixes of those among these who are active couriers."""
        rows = await self._database.fetch(Q.list_territories, list(user_ids))
        return {row["user_id"]: row["prefixes"] for row in rows}

    async def list_above(self, user_id: str) -> list[Record]:
        """Who stands above a courier, nearest first; ``distance`` 1 is the parent."""
        return await self._database.fetch(Q.list_above, user_id)

    async def get_parent(self, level: int, prefixes: list[str]) -> str | None:
        """An active courier of a level whose territory holds the prefixes: of several whoever leads the fewest."""
        rows = await self._database.fetch(Q.list_parents, level, prefixes)
        return rows[0]["user_id"] if rows else None

    async def list_below(self, user_id: str, *, deep: bool, after: tuple[int, str] | None, limit: int) -> list[Record]:
        """Who stands below, as `get_courier` shows them; ``after`` is (level, user_id) of the last one seen."""
        level, after_id = after or (None, None)
        return await self._database.fetch(Q.list_below, user_id, deep, level, after_id, limit)

    async def get_application(self, application_id: str) -> Record | None:
        """An application's row."""
        return await self._database.fetchrow(Q.get_application, application_id)

    async def list_applications(
        self, user_id: str, *, sees_all: bool, level: int | None, prefixes: list[str], status: str | None,
        before: tuple[datetime, str] | None, limit: int,
    ) -> list[Record]:  # fmt: skip
        """Somebody's own, and those of the level below ``level`` in the territory; newest first."""
        at, before_id = before or (None, None)
        return await self._database.fetch(
            Q.list_applications, user_id, sees_all, level, prefixes, status, at, before_id, limit
        )

    async def list_ranking(self, school: str | None, after: tuple[int, str] | None, limit: int) -> list[Record]:
        """Active couriers by points; ``after`` is (points, user_id) of the last one seen."""
        points, after_id = after or (None, None)
        return await self._database.fetch(Q.list_ranking, school, points, after_id, limit)

    async def list_days(self, user_id: str, since: date) -> list[Record]:
        """What somebody did on each day since then, newest first; days with nothing have no row."""
        return await self._database.fetch(Q.list_days, user_id, since)

    async def get_progress(self, user_id: str, led_level: int | None) -> Record:
        """``active_days``, and ``led``: active couriers directly below, of a level or of any."""
        row = await self._database.fetchrow(Q.get_progress, user_id, led_level)
        assert row is not None  # noqa: S101 - it counts
        return row

    async def list_tallies(self) -> AsyncIterator[Record]:
        """What is kept of every courier by number, beside what it should be."""
        after = "00000000-0000-0000-0000-000000000000"
        while rows := await self._database.fetch(Q.list_tallies, after, TALLIES):
            for row in rows:
                yield row
            after = rows[-1]["user_id"]
