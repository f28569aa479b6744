"""Work that runs beside everything else until it is cancelled."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

log = structlog.get_logger()


@asynccontextmanager
async def running(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run coroutines until the block ends."""
    tasks = [asyncio.create_task(part, name=getattr(part, "__name__", None)) for part in work]
    for task in tasks:
        task.add_done_callback(tell_crash)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def tell_crash(task: asyncio.Task[None]) -> None:
    """Say that something which runs beside the actors has ended by itself: nobody waits for it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("background_work_crashed", work=task.get_name(), exc_info=error)
