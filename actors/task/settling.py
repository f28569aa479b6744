"""The ends of attempts: completed or failed under a lease that still holds."""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from actors.errors import DomainError
from actors.messages.task import (
    CompleteTask,
    FailTask,
    SettledTask,
    SettledTasks,
    SettleTasks,
    TaskError,
    TaskJson,
)
from actors.runtime.actor import Settled, Together, Turn
from actors.runtime.ports import Stored
from actors.task.batch import columns, id_or_nobody, json_text, refusal, stored, task_in
from storage.task import SETTLE_TASKS

MAX_JITTER = 1.25
_jitter = random.Random().uniform  # noqa: S311 - spreads retries, guards nothing

Freed = Callable[[str], None]
"""Hears the type of every task that runs no more."""


class End(NamedTuple):
    """One attempt's end. ``error`` None: completed."""

    task_id: str
    lease: str
    result: Any
    error: TaskError | None
    retry: bool
    turn: Turn


def settle_one(batch: Sequence[tuple[CompleteTask | FailTask, Turn]], freed: Freed) -> Together[TaskJson]:
    """Each turn ends one attempt, and is answered with the task."""
    ends = [_end(message, turn) for message, turn in batch]

    def settle(rows: list[Any]) -> Settled[TaskJson]:
        bodies, events = read(ends, rows)
        replies = [body if isinstance(body, DomainError) else TaskJson(task_in(body)) for body in bodies]
        return Settled(replies=replies, stored=events, after=lambda: _tell(rows, freed))

    return Together(statement=SETTLE_TASKS, args=_arguments(ends), settle=settle)


def settle_many(batch: Sequence[tuple[SettleTasks, Turn]], freed: Freed) -> Together[SettledTasks]:
    """Each turn ends many attempts; every one is answered by itself."""
    ends = [
        End(item.id, item.lease, item.result, item.error, item.retry, turn)
        for message, turn in batch
        for item in message.items
    ]

    def settle(rows: list[Any]) -> Settled[SettledTasks]:
        bodies, events = read(ends, rows)
        answers = (
            SettledTask(id=end.task_id, code=body.code)
            if isinstance(body, DomainError)
            else SettledTask(id=end.task_id, status=row["status"])
            for end, body, row in zip(ends, bodies, rows, strict=True)
        )
        replies = [SettledTasks(list(islice(answers, len(message.items)))) for message, _ in batch]
        return Settled(replies=replies, stored=events, after=lambda: _tell(rows, freed))

    return Together(statement=SETTLE_TASKS, args=_arguments(ends), settle=settle)


def read(ends: Sequence[End], rows: Sequence[Any]) -> tuple[list[bytes | DomainError], list[Stored | None]]:
    """The event's body for each end, or why there is none; and the event that was stored for it, if any."""
    bodies: list[bytes | DomainError] = []
    events: list[Stored | None] = []
    for end, row in zip(ends, rows, strict=True):
        if row["n"] is None:
            to = "completed" if end.error is None else "failed"
            bodies.append(refusal(row["before"], to, "the lease is stale"))
            events.append(None)
            continue
        body = row["body"].encode()
        events.append(stored(end.task_id, row["n"], row["type"], body, end.turn))
        bodies.append(body)
    return bodies, events


def _end(message: CompleteTask | FailTask, turn: Turn) -> End:
    if isinstance(message, FailTask):
        return End(message.task_id, message.lease, None, message.error, message.retry, turn)
    return End(message.task_id, message.lease, message.result, None, False, turn)  # noqa: FBT003 - nothing to retry


def _arguments(ends: Sequence[End]) -> list[list[Any]]:
    return columns(_rows(ends), 10)


def _rows(ends: Sequence[End]) -> Iterator[tuple[Any, ...]]:
    for task_id, lease, result, error, retry, turn in ends:
        yield (
            id_or_nobody(task_id),
            id_or_nobody(lease),
            error is None,
            json_text(result) if error is None else None,
            None if error is None else json_text(error),
            retry, _jitter(1, MAX_JITTER), turn.now, turn.id, turn.caller.user_id,
        )  # fmt: skip


def _tell(rows: Sequence[Any], freed: Freed) -> None:
    for row in rows:
        if row["n"] is not None:
            freed(row["task_type"])
