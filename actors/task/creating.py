"""Creating tasks: quota, row and event of many turns in one statement."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from actors.errors import DomainError, QuotaExceeded, Unavailable
from actors.messages.task import CreateTask, CreateTasks, NewTask, Refused, TaskJson, TasksMade
from actors.runtime.actor import Settled, Together, Turn
from actors.runtime.ports import Stored
from actors.task.batch import columns, is_id, json_text, stored, task_in
from actors.task.waiting import Bell
from storage.task import CREATE_TASKS

Allowance = Callable[[str], int | None]
"""Role -> how many tasks a month it may create; None: no limit."""

Item = tuple[NewTask, Turn, str]
Outcome = TaskJson | DomainError


class Creation:
    """Makes the statement for a batch, and reads its rows."""

    def __init__(self, allowance: Allowance, bell: Bell) -> None:
        self._allowance = allowance
        self._bell = bell

    def singles(self, batch: Sequence[tuple[CreateTask, Turn]]) -> Together[TaskJson]:
        """Each turn creates one task."""
        items = [(message, turn, turn_id(turn, 0)) for message, turn in batch]

        def settle(rows: list[Any]) -> Settled[TaskJson]:
            outcomes, events = read(items, rows)
            made = [_id(outcome) for outcome in outcomes]
            return Settled(replies=outcomes, stored=events, made=made, after=lambda: self._ring(items, outcomes))

        return Together(statement=CREATE_TASKS, args=self._arguments(items), settle=settle)

    def batches(self, batch: Sequence[tuple[CreateTasks, Turn]]) -> Together[TasksMade]:
        """Each turn creates many tasks; every one is answered by itself."""
        items = [
            (item, turn, turn_id(turn, index)) for message, turn in batch for index, item in enumerate(message.items)
        ]

        def settle(rows: list[Any]) -> Settled[TasksMade]:
            outcomes, events = read(items, rows)
            left = iter(outcomes)
            parts = [list(islice(left, len(message.items))) for message, _ in batch]
            return Settled(
                replies=[TasksMade([_answer(outcome) for outcome in part]) for part in parts],
                stored=events,
                made=[",".join(_id(outcome) or _code(outcome) for outcome in part) for part in parts],
                after=lambda: self._ring(items, outcomes),
            )

        return Together(statement=CREATE_TASKS, args=self._arguments(items), settle=settle)

    def _arguments(self, items: Sequence[Item]) -> list[list[Any]]:
        return columns(self._rows(items), 13)

    def _rows(self, items: Sequence[Item]) -> Iterator[tuple[Any, ...]]:
        for task, turn, task_id in items:
            caller, now = turn.caller, turn.now
            yield (
                task_id, caller.user_id, self._allowance(caller.role), task.type, json_text(task.params),
                task.priority, task.unique_key, task.project_id, task.max_attempts, task.timeout_seconds,
                task.run_at or now, now, turn.id,
            )  # fmt: skip

    def _ring(self, items: Sequence[Item], outcomes: Sequence[Outcome]) -> None:
        for (task, turn, _), outcome in zip(items, outcomes, strict=True):
            if _is_made(outcome) and (task.run_at is None or task.run_at <= turn.now):
                self._bell.ring(task.type)


def turn_id(turn: Turn, index: int) -> str:
    """The id of what a turn makes as its ``index``-th: the same for a turn that is delivered again."""
    if not is_id(turn.id):  # whoever sent it has named the turn in another form
        return str(UUID(int=uuid5(NAMESPACE_OID, turn.id).int + index))
    return turn.id if index == 0 else str(UUID(int=UUID(turn.id).int + index))


def read(items: Sequence[Item], rows: Sequence[Any]) -> tuple[list[Outcome], list[Stored | None]]:
    """What became of each item, and the event that was stored for it, if any."""
    outcomes: list[Outcome] = []
    events: list[Stored | None] = [None] * len(rows)
    for index, ((_, turn, task_id), row) in enumerate(zip(items, rows, strict=True)):
        if row["first"] != row["ord"]:
            first = outcomes[row["first"] - 1]
            outcomes.append(TaskJson(first.json) if isinstance(first, TaskJson) else first)
        elif row["created"]:
            body = row["body"].encode()
            events[index] = stored(task_id, 1, "task.created", body, turn)
            outcomes.append(TaskJson(task_in(body), made=True))
        elif row["body"] is not None:
            outcomes.append(TaskJson(row["body"].encode()))
        elif row["granted"]:
            outcomes.append(Unavailable("another task with this unique_key is being created"))
        else:
            outcomes.append(QuotaExceeded("this month's tasks are used up"))
    return outcomes, events


def _is_made(outcome: Outcome) -> bool:
    return isinstance(outcome, TaskJson) and outcome.made


def _id(outcome: Outcome) -> str | None:
    """The id of the task that was made or found."""
    return outcome.json[7:43].decode() if isinstance(outcome, TaskJson) else None  # {"id":"<uuid>"


def _code(outcome: Outcome) -> str:
    """Why it was refused."""
    return outcome.code if isinstance(outcome, DomainError) else ""


def _answer(outcome: Outcome) -> bytes | Refused:
    return outcome.json if isinstance(outcome, TaskJson) else Refused(outcome.code)
