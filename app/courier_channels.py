"""The channels ``courier:<prefix>``: who may listen to a territory, and who may no longer."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from actors.authority import covers
from actors.runtime.message import Caller
from actors.runtime.ports import Stored
from handlers.realtime.hub import Hub
from storage.courier import CourierStore

COURIER = "courier:"
LOSING = frozenset({"courier.changed", "courier.promoted", "courier.suspended"})
"""Events after which somebody may have authority over less."""
WATCH_SECONDS = 5.0
_PREFIX = re.compile("[A-Z0-9]{2,6}")


class _Courier(msgspec.Struct):
    """The part of a courier that says where they have authority."""

    status: str
    prefixes: list[str]


class _Told(msgspec.Struct):
    """The part of a courier's event that says where they have authority now."""

    user_id: str
    courier: _Courier


_decode = msgspec.json.Decoder(_Told).decode


async def may_listen(store: CourierStore, caller: Caller, prefix: str) -> bool:
    """Whether somebody is an active courier with authority over a prefix, as it is written: upper case, no gaps."""
    if caller.user_id is None or not _PREFIX.fullmatch(prefix):
        return False
    row = await store.get_courier(caller.user_id)
    return row is not None and row["status"] == "active" and covers(row["prefixes"], prefix)


class CourierChannels:
    """Takes channels from couriers who are suspended, or whose territory holds them no more.

    At once where that was committed in this house; within some seconds where it was in another one, or the courier's
    row went with the account.
    """

    def __init__(self, hub: Hub, store: CourierStore) -> None:
        self._hub = hub
        self._store = store

    def publish(self, events: Sequence[Stored]) -> None:
        """Hear of events right after COMMIT (`actors.runtime.ports.Publisher`)."""
        for event in events:
            if event.type in LOSING:
                told = _decode(event.body)
                self._limit(told.user_id, told.courier.prefixes if told.courier.status == "active" else ())

    async def watch(self) -> None:
        """Look at the rows of everybody who listens, again and again, until cancelled."""
        while True:
            await self._hub.until_heard()
            await asyncio.sleep(WATCH_SECONDS)
            with suppress(ConnectionError, TimeoutError):
                await self.look()

    async def look(self) -> None:
        """Look once. Raises what storage raises."""
        listening = self._hub.listening(COURIER)
        if listening:
            territories = await self._store.list_territories(listening)
            for user_id in listening:
                self._limit(user_id, territories.get(user_id, ()))

    def _limit(self, user_id: str, prefixes: Sequence[str]) -> None:
        for channel in self._hub.channels(user_id, COURIER):
            if not covers(prefixes, channel.removeprefix(COURIER)):
                self._hub.unsubscribe(channel, user_id)
