"""Who has left a chat hears nothing of it any more, from the moment on at which their leaving is committed."""

from collections.abc import Sequence

import msgspec

from actors.runtime.ports import Stored
from handlers.realtime.codes import CHANNEL_ENDED
from handlers.realtime.hub import Hub


class _Left(msgspec.Struct):
    """The part of ``member.left`` that says who."""

    user_id: str


_decode = msgspec.json.Decoder(_Left).decode


class ChatChannels:
    """Takes ``chat:`` channels from those who lose them. Must hear of events before the hub does.

    So not even their own ``member.left`` reaches them: the push ``unsubscribe`` tells, and a client that was away
    meanwhile is told the same by the refusal (103) of its next subscribe.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def publish(self, events: Sequence[Stored]) -> None:
        """Hear of events right after COMMIT (`actors.runtime.ports.Publisher`)."""
        for event in events:
            if event.type == "member.left":
                self._hub.unsubscribe(event.stream, _decode(event.body).user_id)
            elif event.type == "chat.deleted":
                self._hub.unsubscribe(event.stream, None, CHANNEL_ENDED)
