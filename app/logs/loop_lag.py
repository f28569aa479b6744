"""Watches how late the event loop runs what is due: whatever blocks it delays every caller."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

INTERVAL_SECONDS = 0.1
REST_SECONDS = 1.0  # while there is nobody whom it would delay
WARN_SECONDS = 0.25

log = structlog.get_logger()


async def watch_loop_lag(
    observe: Callable[[float], None],
    *,
    rests: Callable[[], bool] = lambda: False,
    until_needed: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0),
    warn_seconds: float = WARN_SECONDS,
) -> None:
    """Measure until cancelled: ``observe`` gets each lag in seconds; above ``warn_seconds`` ``loop_lag`` is logged.

    While the house ``rests`` it looks once a second instead of ten times. Before each look it waits ``until_needed``.
    """
    loop = asyncio.get_running_loop()
    while True:
        await until_needed()
        interval_seconds = REST_SECONDS if rests() else INTERVAL_SECONDS
        due = loop.time() + interval_seconds
        await asyncio.sleep(interval_seconds)
        lag = max(0.0, loop.time() - due)
        observe(lag)
        if lag > warn_seconds:
            log.warning("loop_lag", seconds=round(lag, 3))
