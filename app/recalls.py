"""Takes the words out of what a chat's stream says of messages that were taken back later.

The events stay as they are: they are the audit log, which only administrators read. Members recover and look back
through here.
"""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from actors.messages.chat import MessageCreated, MessageEdited
from storage.chat import ChatStore
from storage.events import EventRow

_TOLD = {"message.created", "message.edited"}
_decode = msgspec.json.Decoder(MessageCreated | MessageEdited).decode
_encode = msgspec.json.Encoder().encode


class Recalls:
    """Costs one statement for a page of a chat's stream in which messages are told of."""

    def __init__(self, store: ChatStore) -> None:
        self._store = store

    async def blank(self, rows: Sequence[EventRow]) -> list[bytes]:
        """Return the bodies; where a message was taken back since, without its content, file and mentions."""
        told = {index: _decode(row.body) for index, row in enumerate(rows) if row.type in _TOLD}
        bodies = [row.body for row in rows]
        if not told:
            return bodies
        recalled = await self._store.list_recalled({event.message.id for event in told.values()})
        for index, event in told.items():
            if event.message.id in recalled:
                bodies[index] = _encode(replace(event, message=_without_words(event)))
        return bodies


def _without_words(event: MessageCreated | MessageEdited) -> object:
    return replace(event.message, content="", file_id=None, mentions=[])
