"""Quiet hours: a time of day, in the person's own time zone, in which only what is critical interrupts."""

from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from actors.errors import InvalidRequest
from actors.messages.notification import QuietHours

_DAY = timedelta(days=1)
_NOT_OF_A_PLACE = frozenset({"localtime", "posixrules", "Factory"})
"""Files beside the zones: the first one is what the machine is set to, which may be another one tomorrow."""


def known_zone(name: str) -> ZoneInfo:
    """Look a time zone up.

    Raises:
        InvalidRequest: there is no such zone.
    """
    try:
        return ZoneInfo("" if name in _NOT_OF_A_PLACE else name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidRequest(f"no such time zone: {name}", path="$.quiet_hours.time_zone") from error


def is_quiet(quiet: QuietHours | None, now: datetime) -> bool:
    """Whether ``now`` lies in the quiet hours, which may reach over midnight; equal ends mean the whole day."""
    if quiet is None:
        return False
    clock = now.astimezone(_zone(quiet)).time()
    start, end = time.fromisoformat(quiet.from_), time.fromisoformat(quiet.to)
    return start <= clock < end if start < end else clock >= start or clock < end


def after_quiet(quiet: QuietHours | None, at: datetime) -> datetime:
    """Return ``at``, or when the quiet hours end that it lies in. Where the whole day is quiet: at its next turn."""
    if quiet is None or not is_quiet(quiet, at):
        return at
    local = at.astimezone(_zone(quiet))
    clock = time.fromisoformat(quiet.to)
    # In the hour that an autumn night has twice, the end is in the same one of both.
    end = local.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return (end if end > local else end + _DAY).astimezone(UTC)


def _zone(quiet: QuietHours) -> tzinfo:
    """A zone that this machine does not know (any more) counts as UTC: what was stored must not stop deliveries."""
    try:
        return known_zone(quiet.time_zone)
    except InvalidRequest:
        return UTC
