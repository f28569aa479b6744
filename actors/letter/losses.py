"""What ends with people: drafts when their writer's account ends, tasks when their courier is suspended or gone.

Fed by events only, at least once; a letter that has nothing to lose (any more) does nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from actors.errors import NotFound
from actors.messages.delivery import LoseCourier
from actors.messages.letter import LoseSender
from actors.runtime.actor import Ref
from actors.runtime.message import SYSTEM
from storage.events import EventRow
from storage.letter import LetterStore

LOSSES = ("account.deleted", "courier.suspended")
"""The events that `Losses.deliver` wants to hear of."""
AT_ONCE = 200


class Losses:
    """The relay's consumer."""

    def __init__(self, store: LetterStore, ref: Callable[[str, str], Ref]) -> None:
        self._store = store
        self._ref = ref

    async def deliver(self, events: Sequence[EventRow]) -> None:
        """Tell letters. Raises whatever a letter raises but `NotFound`, so that the relay tries again."""
        gone = [event.stream.partition(":")[2] for event in events if event.type == "account.deleted"]
        idle = gone + [event.stream.partition(":")[2] for event in events if event.type == "courier.suspended"]
        asks: list[Any] = [(letter_id, LoseSender(letter_id=letter_id)) for letter_id in await self._drafts(gone)]
        asks += [
            (letter_id, LoseCourier(letter_id=letter_id, user_id=user_id))
            for letter_id, user_id in await self._store.list_accepted_of(idle)
        ]
        for first in range(0, len(asks), AT_ONCE):
            some = (self._ref("letter", key).ask(message, SYSTEM) for key, message in asks[first : first + AT_ONCE])
            for outcome in await asyncio.gather(*some, return_exceptions=True):
                if isinstance(outcome, BaseException) and not isinstance(outcome, NotFound):
                    raise outcome

    async def _drafts(self, people: Sequence[str]) -> list[str]:
        return await self._store.list_drafts_of(people) if people else []
