"""Waiting for a client's sake: who has left is waited for no longer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar, cast

from aiohttp import web

from actors.errors import RequestTimeout

T = TypeVar("T")


class Connection(Protocol):
    """What is needed of a connection (`handlers.server`): it calls ``on_lost`` when its client has gone."""

    on_lost: Callable[[], object] | None


async def while_there(request: web.Request, work: Awaitable[T]) -> T:
    """Wait for an answer as long as the client does. What has begun may go on. Raises `RequestTimeout`: it has gone."""
    waiting = asyncio.ensure_future(work)
    connection = cast("Connection", request.protocol)
    connection.on_lost = waiting.cancel
    try:
        return await waiting
    except asyncio.CancelledError:
        if request.transport is None:
            raise RequestTimeout("the client has gone") from None
        raise
    finally:
        connection.on_lost = None
