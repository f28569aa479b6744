"""What one turn does to a room, step by step."""

from datetime import datetime
from typing import TypeVar

from actors.chat.messages import compose_note, insert, moment
from actors.chat.state import RoomState, fold
from actors.messages.chat import MessageCreated
from actors.runtime.actor import Decision
from actors.runtime.message import Event
from storage.write import Write

R = TypeVar("R")


class Minutes:
    """Gathers events and writes; ``room`` is the room as they make it. All of a turn happens at one moment."""

    def __init__(self, room: RoomState, now: datetime) -> None:
        self.room = room
        self.at = moment(room, now)
        self.events: list[Event] = []
        self.writes: list[Write] = []

    def tell(self, event: Event, *writes: Write) -> None:
        """Add what happens next; the room goes on, unless this is its end."""
        self.room = fold(self.room, event) or self.room
        self.events.append(event)
        self.writes += writes

    def note(self, doer_id: str, content: str) -> None:
        """Let the house say what somebody has done."""
        message = compose_note(self.room, doer_id, content, self.at)
        self.tell(MessageCreated(at=self.at, message=message), insert(message))

    def decision(self, reply: R, made: str | None = None) -> Decision[R]:
        """Return all of it. ``made`` is the id that an idempotency key stands for."""
        return Decision(reply=reply, events=self.events, writes=self.writes, made=made)
