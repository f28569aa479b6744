"""What one turn does to a letter and its task, step by step."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from actors.authority import masked
from actors.errors import NotFound
from actors.letter.state import LetterState, fold
from actors.messages.delivery import Task
from actors.messages.letter import DeliveryChanged, Handled, LetterMoved, Moved, Terms
from actors.moves import LETTER, TASK, Role, check
from actors.runtime.actor import Decision
from actors.runtime.message import Event
from storage.write import Write

R = TypeVar("R")


class Ledger:
    """Gathers events and writes; ``state`` is the letter as they make it. All of a turn happens at one moment.

    ``counts`` are the writes about couriers, whose rows many letters share: they come last, and so are held shortly.
    Time never goes back in a letter, whatever the clocks of houses say.
    """

    def __init__(self, state: LetterState, now: datetime) -> None:
        self.state = state
        self.at = max(now, state.changed_at)
        self.events: list[Event] = []
        self.writes: list[Write] = []
        self.counts: list[Write] = []

    @property
    def task(self) -> Task:
        """The letter's task. Raises `NotFound` where it was never sealed."""
        if self.state.task is None:
            raise NotFound("no such task")
        return self.state.task

    def tell(self, event: Event, *writes: Write) -> None:
        """Add what happens next; the letter goes on, unless this is its end."""
        self.state = fold(self.state, event) or self.state
        self.events.append(event)
        self.writes += writes

    def move(
        self, to: str, roles: Sequence[Role], *, terms: Terms | None = None, place: str | None = None, **private: Any
    ) -> bool:
        """Let the letter have another status; return whether it has not had it before. Raises as `moves.check` does."""
        state = self.state
        if not check(LETTER, state.status, to, roles):
            return False
        terms = terms or state.terms
        known = Moved(
            sender_id=state.sender_id, recipient_id=terms.recipient_id, title=state.title, terms=terms, place=place,
            **private,
        )  # fmt: skip
        self.tell(
            LetterMoved(
                at=self.at, letter_id=state.id, from_=state.status, to=to, place=place and masked(place), private=known
            )
        )
        return True

    def handle(
        self,
        to: str,
        step: str,
        roles: Sequence[Role] = (),
        *,
        note: str | None = None,
        parent_id: str | None = None,
        **changes: Any,
    ) -> None:
        """Let the task be like this. Another status needs a role that may give it; the same one needs none.

        ``parent_id``: who stands above the holder, where they should hear of it.
        """
        task = self.task
        check(TASK, task.status, to, roles)
        after = replace(task, status=to, changed_at=self.at, **changes)
        place = changes.get("current_op")
        known = Handled(task=after, before_id=task.courier_id, note=note, parent_id=parent_id)
        self.tell(
            DeliveryChanged(
                at=self.at, letter_id=self.state.id, task_id=task.id, step=step, from_=task.status, to=to,
                place=place and masked(place), private=known,
            )
        )  # fmt: skip

    def decision(self, reply: R) -> Decision[R]:
        """Return all of it."""
        return Decision(reply=reply, events=self.events, writes=[*self.writes, *self.counts])
