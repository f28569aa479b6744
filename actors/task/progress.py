"""Progress: the heartbeat that renews a lease, and what people see of a running task."""

from collections.abc import Sequence
from typing import Any

from actors.errors import DomainError, RateLimited
from actors.messages.task import ProgressTaken, ProgressTask
from actors.runtime.actor import Settled, Together, Turn
from actors.runtime.ports import Stored
from actors.task.batch import columns, refusal, stored
from storage.task import PROGRESS_TASKS


class Pace:
    """At most ``most`` calls per task in any second that begins with a call. Kept in memory: a refusal costs no I/O."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._windows: dict[str, tuple[float, int]] = {}  # task -> start (monotonic), calls since; oldest start first

    def take(self, task_id: str, now: float) -> float:
        """Count a call; return 0, or the seconds until one is accepted again."""
        start, calls = self._windows.get(task_id, (now, 0))
        if now - start >= 1:
            self._windows.pop(task_id, None)  # so that the order stays that of the starts
            start, calls = now, 0
            self._forget(now)
        if calls >= self._most:
            return start + 1 - now
        self._windows[task_id] = (start, calls + 1)
        return 0

    def _forget(self, now: float) -> None:
        while self._windows:
            oldest = next(iter(self._windows))
            if now - self._windows[oldest][0] < 1:
                return
            del self._windows[oldest]


def progress(batch: Sequence[tuple[ProgressTask, Turn]], pace: Pace, now: float) -> Together[ProgressTaken]:
    """Renew and store what is within the pace; ``now`` is monotonic."""
    waits = [pace.take(message.task_id, now) for message, _ in batch]
    accepted = [turn for turn, wait in zip(batch, waits, strict=True) if not wait]

    def settle(rows: list[Any]) -> Settled[ProgressTaken]:
        answers = iter([_answer(row) for row in rows])
        replies = [RateLimited("too much progress", retry_after=wait) if wait else next(answers) for wait in waits]
        return Settled(replies=replies, stored=[_event(*one) for one in zip(accepted, rows, strict=True)])

    return Together(statement=PROGRESS_TASKS, args=columns(_carried(accepted), 8), settle=settle)


def _carried(batch: Sequence[tuple[ProgressTask, Turn]]) -> list[tuple[Any, ...]]:
    """Arguments; what one report leaves out comes from the one before it in the same batch, else from the row."""
    last: dict[tuple[str, str], tuple[str | None, str | None]] = {}
    rows = []
    for message, turn in batch:
        key = (message.task_id, message.lease)
        phase, text = last.get(key, (None, None))
        phase = phase if message.phase is None else message.phase
        text = text if message.message is None else message.message
        last[key] = (phase, text)
        rows.append((*key, message.percent, phase, text, turn.now, turn.id, turn.caller.user_id))
    return rows


def _event(accepted: tuple[ProgressTask, Turn], row: Any) -> Stored | None:
    message, turn = accepted
    if row["body"] is None:
        return None
    return stored(message.task_id, row["n"], "task.progressed", row["body"].encode(), turn)


def _answer(row: Any) -> ProgressTaken | DomainError:
    is_cancelled = row["status"] == "cancelled" and row["ours"]
    if row["held"] or is_cancelled:
        return ProgressTaken(cancelled=is_cancelled, lease_expires_at=row["lease_expires_at"])
    return refusal(row["status"], "running", "the lease is stale")
