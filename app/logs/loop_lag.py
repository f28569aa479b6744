"""Watches how late the event loop runs what is due: whatever blocks it delays every caller."""

import asyncio
from collections.abc import Callable

import structlog

INTERVAL_SECONDS = 0.1
REST_SECONDS = 1.0  # while there is nobody whom it would delay
WARN_SECONDS = 0.25

log = structlog.get_logger()


async def watch_loop_lag(
    observe: Callable[[float], None],
    *,
    rests: Callable[[], bool] = lambda: False,
    warn_seconds: float = WARN_SECONDS,
) -> None:
    """Measure until cancelled: ``observe`` gets each lag in seconds; above ``warn_seconds`` ``loop_lag`` is logged.

    While the house ``rests`` it looks once a second instead of ten times.
    """
    loop = asyncio.get_running_loop()
    while True:
        interval_seconds = REST_SECONDS if rests() else INTERVAL_SECONDS
        due = loop.time() + interval_seconds
        await asyncio.sleep(interval_seconds)
        lag = max(0.0, loop.time() - due)
        observe(lag)
        if lag > warn_seconds:
            log.warning("loop_lag", seconds=round(lag, 3))
