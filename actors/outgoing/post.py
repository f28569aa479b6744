"""Writes the rows of what is to leave the house: part of the turn that decides it, so neither is without the other."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from actors.messages.notification import Channel, Notification
from actors.runtime.ids import uuid7
from storage import queries
from storage.write import Write

Q = queries.load("outgoing")
MAILED: Mapping[str, Sequence[Channel]] = {
    "message": ("inbox", "realtime", "email"),
    "mention": ("inbox", "realtime", "email"),
    "security": ("inbox", "realtime", "email"),
}
"""Types that are mailed to people who do not say otherwise: what they missed, in a digest; what is urgent, at once."""


class Post:
    """Implements `actors.notification.outbox.Outbox` for the channels that are on: channel -> seconds of its digest."""

    def __init__(self, digest_seconds: Mapping[Channel, float], wake: Callable[[], None]) -> None:
        self._digests = {channel: timedelta(seconds=seconds) for channel, seconds in digest_seconds.items()}
        self.defaults = MAILED if "email" in digest_seconds else {}
        self.wake = wake

    def post(
        self,
        user_id: str,
        entry: Notification,
        *,
        source: str,
        channels: Sequence[Channel],
        not_before: Callable[[datetime], datetime],
    ) -> Sequence[Write]:
        """One row for each channel that is on."""
        return [
            Write(Q.insert_outgoing, self._row(user_id, channel, entry, source, not_before))
            for channel in dict.fromkeys(channels)
            if channel in self._digests
        ]

    def _row(
        self,
        user_id: str,
        channel: Channel,
        entry: Notification,
        source: str,
        not_before: Callable[[datetime], datetime],
    ) -> tuple[Any, ...]:
        """What is critical goes by itself, and at once; of the rest a digest gathers what waits for the same person."""
        row_id, digest = uuid7(), self._digests[channel]
        is_alone = entry.priority == "critical" or not digest
        due_at = entry.created_at if entry.priority == "critical" else not_before(entry.created_at + digest)
        return (
            row_id, user_id, channel, row_id if is_alone else user_id, entry.id, entry.type, entry.title, entry.body,
            msgspec.json.encode(entry.data).decode(), entry.priority, None, due_at, None, entry.created_at, source,
        )  # fmt: skip
