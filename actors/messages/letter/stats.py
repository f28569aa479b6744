"""Figures of letters, for administrators."""

from datetime import date

import msgspec

from actors.runtime.message import Aware, Query


class DayFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Letters that were sealed on a day (UTC), and what has become of them since."""

    day: date
    sealed: int
    delivered: int
    failed: int
    mean_seconds: float | None  # from sealed to delivered


class SchoolFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Letters that come from a school, and what has become of them."""

    school: str
    sealed: int
    delivered: int
    failed: int
    mean_seconds: float | None


class DeliveryTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from sealed to delivered: mean and quantiles; None where nothing was delivered."""

    delivered: int
    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None


class LetterStats(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of the letters that were sealed in a time."""

    since: Aware
    until: Aware
    by_day: list[DayFigures]
    by_status: dict[str, int]
    by_school: list[SchoolFigures]
    delivery_seconds: DeliveryTimes


class GetLetterStats(Query[LetterStats], frozen=True, kw_only=True):
    """Figures of letters by day, status and school, and delivery times; of the last 30 days unless said otherwise."""

    since: Aware | None = None
    until: Aware | None = None
