"""Watches how late the event loop runs what is due: whatever blocks it delays every caller."""

import asyncio
from collections.abc import Callable

import structlog

INTERVAL_SECONDS = 0.1
WARN_SECONDS = 0.25

log = structlog.get_logger()


async def watch_loop_lag(observe: Callable[[float], None], *, warn_seconds: float = WARN_SECONDS) -> None:
    """Measure until cancelled: ``observe`` gets each lag in seconds; above ``warn_seconds`` ``loop_lag`` is logged."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + INTERVAL_SECONDS
        await asyncio.sleep(INTERVAL_SECONDS)
        lag = max(0.0, loop.time() - due)
        observe(lag)
        if lag > warn_seconds:
            log.warning("loop_lag", seconds=round(lag, 3))
