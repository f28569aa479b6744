"""The durable timers of a letter. Each has one id for ever, so that a turn can end it without having kept it."""

from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID, uuid5

from storage.write import Write

KIND = "letter"
Purpose = Literal["seal", "assign", "deadline"]


class Timers(Protocol):
    """Durable timers."""

    def set(self, timer_id: str, kind: str, key: str, message: Any, due_at: datetime) -> Write:
        """The write that sets one; while one of this id is set, it changes nothing."""
        ...

    def end(self, timer_id: str) -> Write:
        """The write that ends one."""
        ...


def timer_id(of: str, purpose: Purpose) -> str:
    """The id of a timer of a letter or a task."""
    return str(uuid5(UUID(of), purpose))
