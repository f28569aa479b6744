"""Takes the words out of what streams say of chat messages that were taken back later.

The events stay as they are: they are the audit log, which only administrators read. Members recover and look back
through here, in a chat's stream and in their own.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from actors.messages.chat import MessageCreated, MessageEdited
from actors.messages.fields import UUID_PATTERN
from actors.messages.notification import NotificationCreated
from storage.chat import ChatStore
from storage.events import EventRow

Quoting = MessageCreated | MessageEdited | NotificationCreated

_QUOTING = {"message.created", "message.edited", "notification.created"}
_is_id = re.compile(UUID_PATTERN).fullmatch
_decode = msgspec.json.Decoder(Quoting).decode
_encode = msgspec.json.Encoder().encode


class _Quote(NamedTuple):
    """An event and the message that it quotes."""

    event: Quoting
    message_id: str


class Recalls:
    """Costs one statement for a page of a stream in which messages are quoted."""

    def __init__(self, store: ChatStore) -> None:
        self._store = store

    async def blank(self, rows: Sequence[EventRow]) -> list[bytes]:
        """Return the bodies; where a message was taken back since, without its content, file and mentions."""
        quotes = {index: quote for index, row in enumerate(rows) if (quote := _quote(row)) is not None}
        bodies = [row.body for row in rows]
        if not quotes:
            return bodies
        recalled = await self._store.list_recalled({quote.message_id for quote in quotes.values()})
        for index, quote in quotes.items():
            if quote.message_id in recalled:
                bodies[index] = _encode(_without_words(quote.event))
        return bodies


def _quote(row: EventRow) -> _Quote | None:
    if row.type not in _QUOTING:
        return None
    event = _decode(row.body)
    if not isinstance(event, NotificationCreated):
        return _Quote(event, event.message.id)
    entry = event.notification
    message_id = entry.data.get("message_id") if entry.type in {"message", "mention"} else None
    return _Quote(event, message_id) if isinstance(message_id, str) and _is_id(message_id) else None


def _without_words(event: Quoting) -> Quoting:
    match event:
        case NotificationCreated():
            return replace(event, notification=replace(event.notification, body=""))
        case MessageEdited():
            return replace(event, message=_silent(event), named=())
        case _:
            return replace(event, message=_silent(event))


def _silent(event: MessageCreated | MessageEdited) -> object:
    return replace(event.message, content="", file_id=None, mentions=[])
