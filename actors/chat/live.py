"""What is told to those who listen now, and to nobody else: it has no place in a stream, and is not stored."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from actors.runtime.message import Event
from actors.runtime.ports import Stored

Publish = Callable[[Sequence[Stored]], None]
"""The publisher's: see `actors.runtime.ports.Publisher`."""
SECOND = timedelta(seconds=1)
_encode = msgspec.json.Encoder().encode


def live(chat_id: str, event: Event) -> Stored:
    """Return an event for the channel of a chat, without offset: its ``n`` is 0."""
    return Stored(f"chat:{chat_id}", 0, str(type(event).__struct_config__.tag), _encode(event), event.at)


class Typists:
    """Remembers who has just been typing where, so that each is passed on at most once a second. Forgets by itself."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], datetime] = {}  # in the order of time

    def is_due(self, chat_id: str, user_id: str, now: datetime) -> bool:
        """Whether to pass this one on; from now on it has been."""
        self._forget(now)
        key = (chat_id, user_id)
        if key in self._told:
            return False
        self._told[key] = now
        return True

    def _forget(self, now: datetime) -> None:
        """Drop what is older than a second, or (the clock was set back) newer than now."""
        while self._told:
            first = next(iter(self._told))
            if self._told[first] <= now < self._told[first] + SECOND:
                return
            del self._told[first]
