"""Accounts show the level that their courier has: what couriers' events change, accounts hear of by the relay."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from actors.errors import NotFound
from actors.messages.account import SetCourierLevel
from actors.runtime.actor import Ref
from actors.runtime.message import SYSTEM
from storage.courier import CourierStore
from storage.events import EventRow

LEVELS = ("courier.appointed", "courier.promoted", "courier.suspended", "courier.resumed")
"""The events after which somebody has another level, or none."""


class _Told(msgspec.Struct):
    """Whom an event of a courier is about."""

    user_id: str


_decode = msgspec.json.Decoder(_Told).decode


def deliver_levels(
    store: CourierStore, ref: Callable[[str, str], Ref]
) -> Callable[[Sequence[EventRow]], Awaitable[None]]:
    """Make the relay's consumer. It shows what the row says by then, so that an old event shows nothing old."""

    async def show(user_id: str) -> None:
        row = await store.get_courier(user_id)
        level = row["level"] if row is not None and row["status"] == "active" else None
        try:
            await ref("account", user_id).ask(SetCourierLevel(level=level), SYSTEM)
        except NotFound:
            return  # the person is gone

    async def deliver(events: Sequence[EventRow]) -> None:
        await asyncio.gather(*(show(user) for user in {_decode(event.body).user_id for event in events}))

    return deliver
