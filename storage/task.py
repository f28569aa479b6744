"""Tasks: what is read, and the fenced statements that write, each for a whole batch of turns."""

from collections.abc import Sequence
from datetime import datetime

from storage import queries
from storage.postgres import Database, Record
from storage.shared import SharedRead

Q = queries.load("task")

CREATE_TASKS = Q.create_tasks
TAKE_TASKS = Q.take_tasks
PROGRESS_TASKS = Q.progress_tasks
SETTLE_TASKS = Q.settle_tasks
CANCEL_TASKS = Q.cancel_tasks
RETRY_TASKS = Q.retry_tasks
SWEEP_TASKS = Q.sweep_tasks


class TaskStore:
    """Reads tasks. Ids are UUIDs in text form; ``body`` is JSON that is ready to be sent."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tasks = SharedRead[str](database, Q.get_tasks, key="id")
        self._statuses = SharedRead[str](database, Q.get_statuses, key="id")

    async def get_task(self, task_id: str) -> Record | None:
        """``id, user_id, body`` of a task."""
        return await self._tasks.get(task_id)

    async def get_status(self, task_id: str) -> Record | None:
        """``id, user_id, body`` of a task; the body holds id, status and progress."""
        return await self._statuses.get(task_id)

    async def get_tasks(self, task_ids: Sequence[str]) -> dict[str, Record]:
        """Those of these tasks that exist, by id."""
        return {row["id"]: row for row in await self._database.fetch(Q.get_tasks, task_ids)}

    async def is_owner(self, task_id: str, user_id: str) -> bool:
        """Whether the task exists and belongs to this person."""
        row = await self._statuses.get(task_id)
        return row is not None and row["user_id"] == user_id

    async def list_tasks(
        self, user_id: str, *, status: str | None, kind: str | None, before: tuple[datetime, str] | None, limit: int
    ) -> list[Record]:
        """``id, created_at, body`` of an owner's tasks, newest first; ``before`` is the last one seen."""
        at, before_id = before or (None, None)
        return await self._database.fetch(Q.list_tasks, user_id, status, kind, at, before_id, limit)

    async def list_events(self, task_id: str, after: int, limit: int) -> list[Record]:
        """``n, body`` of a task's events, oldest first."""
        return await self._database.fetch(Q.list_task_events, f"task:{task_id}", after, limit)

    async def list_workers(self, since: datetime, before: tuple[datetime, str] | None, limit: int) -> list[Record]:
        """``worker, types, leased, last_seen_at``, the latest first; ``before`` is (last_seen_at, worker)."""
        at, name = before or (None, None)
        return await self._database.fetch(Q.list_workers, since, at, name, limit)

    async def get_next_due_seconds(self, now: datetime) -> float | None:
        """How long until time alone changes a task (negative: it is late); None when nothing waits."""
        seconds: float | None = await self._database.fetchval(Q.get_next_due, now)
        return seconds

    async def list_due_types(self, types: Sequence[str]) -> dict[str, int]:
        """How many tasks of each type wait for a worker, counted up to 100."""
        return {row["type"]: row["tasks"] for row in await self._database.fetch(Q.list_due_types, types)}

    async def delete_old_workers(self, before: datetime, most: int) -> int:
        """Forget up to ``most`` workers that were seen before a moment; return how many."""
        return await self._database.execute(Q.delete_old_workers, before, most)

    async def delete_old_tasks(self, before: datetime, most: int) -> int:
        """Remove up to ``most`` tasks that finished before a moment; return how many."""
        return await self._database.execute(Q.delete_old_tasks, before, most)
