"""The port through which an inbox lets things leave the house, for people who are not here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from actors.messages.notification import Channel, Notification
from storage.write import Write


class Outbox(Protocol):
    """What leaves the house."""

    @property
    def defaults(self) -> Mapping[str, Sequence[Channel]]:
        """Where notifications of some types go for people who have no preference; other types: inbox and realtime."""
        ...

    def post(
        self,
        user_id: str,
        entry: Notification,
        *,
        source: str,
        channels: Sequence[Channel],
        not_before: Callable[[datetime], datetime],
    ) -> Sequence[Write]:
        """The writes for those of ``channels`` that leave the house and are switched on here; part of the inbox's turn.

        What is read in the inbox meanwhile does not go out. ``not_before`` moves the time when something would go
        out, unless it is critical.
        """
        ...

    def wake(self) -> None:
        """Something was posted, and is committed. Does not block or raise."""
        ...
