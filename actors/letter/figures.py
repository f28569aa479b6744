"""What administrators see of all letters together."""

from datetime import timedelta

from actors.errors import InvalidRequest
from actors.messages.letter import DayFigures, DeliveryTimes, GetLetterStats, LetterStats, SchoolFigures
from actors.runtime.actor import Turn
from storage.letter import LetterStore

LONGEST = timedelta(days=400)
USUAL = timedelta(days=30)


async def figures(message: GetLetterStats, turn: Turn, store: LetterStore) -> LetterStats:
    """Count. Raises `InvalidRequest` for a time that ends before it begins, or is longer than 400 days."""
    until = message.until or turn.now
    since = message.since or until - USUAL
    if not timedelta(0) <= until - since <= LONGEST:
        raise InvalidRequest("a time of up to 400 days, that ends after it begins", path="$.since")
    days, statuses, schools, took = await store.count(since, until)
    return LetterStats(
        since=since, until=until,
        by_day=[DayFigures(**row) for row in days],
        by_status={row["status"]: row["letters"] for row in statuses},
        by_school=[SchoolFigures(**row) for row in schools],
        delivery_seconds=DeliveryTimes(**took),
    )  # fmt: skip
