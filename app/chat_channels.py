"""Who has left a chat hears nothing of it any more, from the moment on at which their leaving is committed."""

from collections.abc import Sequence

import msgspec

from actors.runtime.ports import Stored
from handlers.ports import Publication
from handlers.realtime.codes import CHANNEL_ENDED
from handlers.realtime.hub import Hub


class _Told(msgspec.Struct):
    """The part of an event of a chat that says what has happened, and to whom."""

    type: str
    user_id: str = ""


_decode = msgspec.json.Decoder(_Told).decode


class ChatChannels:
    """Takes ``chat:`` channels from those who lose them. Must hear of events before the hub does.

    So not even their own ``member.left`` reaches them: the push ``unsubscribe`` tells, and a client that was away
    meanwhile is told the same by the refusal (103) of its next subscribe. A removal that was committed and never
    published (its outcome was unknown for too long) is found with the next event of the chat, and counts before it.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        hub.on_found(self._find)

    def publish(self, events: Sequence[Stored]) -> None:
        """Hear of events right after COMMIT (`actors.runtime.ports.Publisher`)."""
        for event in events:
            if event.type in {"member.left", "chat.deleted"}:
                self._hear(event.stream, _decode(event.body))

    def _find(self, channel: str, publications: Sequence[Publication]) -> None:
        if channel.startswith("chat:"):
            for publication in publications:
                self._hear(channel, _decode(publication.data))

    def _hear(self, channel: str, told: _Told) -> None:
        if told.type == "member.left":
            self._hub.unsubscribe(channel, told.user_id)
        elif told.type == "chat.deleted":
            self._hub.unsubscribe(channel, None, CHANNEL_ENDED)
