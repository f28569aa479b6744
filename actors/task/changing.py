"""What owners do with their tasks: cancel and retry."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from actors.errors import DomainError
from actors.messages.task import CancelTask, RetryTask, TaskJson
from actors.runtime.actor import Settled, Together, Turn
from actors.runtime.ports import Stored
from actors.task.batch import columns, refusal, stored, task_in
from storage.task import CANCEL_TASKS, RETRY_TASKS

Ring = Callable[[str], None]
"""Hears the type of every task that was changed."""


def cancel(batch: Sequence[tuple[CancelTask, Turn]], freed: Ring) -> Together[TaskJson]:
    """End what is pending or running."""

    def settle(rows: list[Any]) -> Settled[TaskJson]:
        return _settle(batch, rows, "cancelled", freed)

    return Together(statement=CANCEL_TASKS, args=_arguments(batch), settle=settle)


def retry(batch: Sequence[tuple[RetryTask, Turn]], due: Ring) -> Together[TaskJson]:
    """Start what is failed or cancelled anew."""

    def settle(rows: list[Any]) -> Settled[TaskJson]:
        return _settle(batch, rows, "retried", due)

    return Together(statement=RETRY_TASKS, args=_arguments(batch), settle=settle)


def _arguments(batch: Iterable[tuple[CancelTask | RetryTask, Turn]]) -> list[list[Any]]:
    rows = (
        (message.task_id, None if turn.caller.is_admin else turn.caller.user_id, turn.now, turn.id, turn.caller.user_id)
        for message, turn in batch
    )
    return columns(rows, 5)


def _settle(
    batch: Sequence[tuple[CancelTask | RetryTask, Turn]],
    rows: list[Any],
    verb: Literal["cancelled", "retried"],
    ring: Ring,
) -> Settled[TaskJson]:
    replies: list[TaskJson | DomainError] = []
    events: list[Stored | None] = []
    for (message, turn), row in zip(batch, rows, strict=True):
        if row["n"] is None:
            replies.append(_refuse(row["before"], verb))
            events.append(None)
            continue
        body = row["body"].encode()
        events.append(stored(message.task_id, row["n"], f"task.{verb}", body, turn))
        replies.append(TaskJson(task_in(body)))

    def after() -> None:
        for row in rows:
            if row["n"] is not None:
                ring(row["type"])

    return Settled(replies=replies, stored=events, after=after)


def _refuse(before: str | None, verb: Literal["cancelled", "retried"]) -> DomainError:
    if verb == "cancelled":
        return refusal(before, "cancelled", f"a {before} task cannot be cancelled")
    if before in {"failed", "cancelled"}:
        return refusal(before, "pending", "a living task has the same unique_key")
    return refusal(before, "pending", f"a {before} task cannot be retried")
