"""What another side asks for in ``Retry-After``."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MOST_SECONDS = 86_400.0
"""Nobody makes us wait longer than a day."""


def read_retry_after(header: str | None, now: datetime) -> float:
    """Seconds to wait, at most a day; 0 where nothing is asked for, or nothing that can be understood (RFC 9110)."""
    if header is None:
        return 0.0
    if header.isascii() and header.isdigit():
        return min(float(header[:10]), MOST_SECONDS)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(max(0.0, (at - now).total_seconds()), MOST_SECONDS)
