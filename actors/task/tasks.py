"""The service that every change and view of tasks goes through."""

from collections.abc import Sequence
from datetime import timedelta
from time import monotonic
from typing import Annotated

import msgspec

from actors.cursors import decode_cursor, page_of
from actors.errors import Forbidden, NotFound
from actors.messages.fields import Id, Page
from actors.messages.task import (
    CancelTask,
    CompleteTask,
    CreateTask,
    CreateTasks,
    FailTask,
    GetTask,
    GetTaskStatus,
    Leased,
    ListTaskEvents,
    ListTasks,
    ListWorkers,
    ProgressTaken,
    ProgressTask,
    Refused,
    RetryTask,
    SettledTasks,
    SettleTasks,
    ShowTasks,
    SweepTasks,
    TakeTasks,
    TaskJson,
    TaskPage,
    TasksMade,
    WorkerSeen,
)
from actors.runtime.actor import Service, Together, Turn, handles
from actors.runtime.message import Aware
from actors.task import changing, leasing, settling, sweeping
from actors.task.batch import is_id
from actors.task.creating import Allowance, Creation
from actors.task.progress import Pace, progress
from actors.task.settings import TaskSettings
from actors.task.waiting import Bell
from storage.postgres import Record
from storage.task import TaskStore

EventNumber = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
TOGETHER = 500
SEVERAL = 20
"""Of messages that hold up to 500 items each: one statement may store 65,536 events at most."""
WORKERS_SEEN = timedelta(days=1)


class Tasks(Service):
    """Decides nothing by itself: the statements are conditional, and their rows say what became of each turn."""

    kind = "tasks"
    concurrency = 64
    capacity = 10_000

    def __init__(self, store: TaskStore, settings: TaskSettings, allowance: Allowance, bell: Bell) -> None:
        """``allowance`` is the monthly quota by role; ``bell`` wakes the workers that wait in this house."""
        self._store = store
        self._settings = settings
        self._bell = bell
        self._creation = Creation(allowance, bell)
        self._pace = Pace(settings.max_progress_per_second)

    @handles(together=TOGETHER)
    def create(self, batch: Sequence[tuple[CreateTask, Turn]]) -> Together[TaskJson]:
        """Create, or find by unique_key."""
        return self._creation.singles(batch)

    @handles(together=SEVERAL)
    def create_many(self, batch: Sequence[tuple[CreateTasks, Turn]]) -> Together[TasksMade]:
        """Create, each task answered by itself."""
        return self._creation.batches(batch)

    @handles(together=TOGETHER)
    def take(self, batch: Sequence[tuple[TakeTasks, Turn]]) -> Together[Leased]:
        """Lease what is due."""
        return leasing.take(batch, self._settings)

    @handles(together=TOGETHER)
    def progress(self, batch: Sequence[tuple[ProgressTask, Turn]]) -> Together[ProgressTaken]:
        """Renew leases."""
        return progress(batch, self._pace, monotonic())

    @handles(together=TOGETHER)
    def settle(self, batch: Sequence[tuple[CompleteTask | FailTask, Turn]]) -> Together[TaskJson]:
        """End attempts."""
        return settling.settle_one(batch, self._freed)

    @handles(together=SEVERAL)
    def settle_many(self, batch: Sequence[tuple[SettleTasks, Turn]]) -> Together[SettledTasks]:
        """End attempts, each answered by itself."""
        return settling.settle_many(batch, self._freed)

    @handles(together=TOGETHER)
    def cancel(self, batch: Sequence[tuple[CancelTask, Turn]]) -> Together[TaskJson]:
        """End what is not wanted any more."""
        return changing.cancel(batch, self._freed)

    @handles(together=TOGETHER)
    def retry(self, batch: Sequence[tuple[RetryTask, Turn]]) -> Together[TaskJson]:
        """Start anew."""
        return changing.retry(batch, self._bell.ring)

    @handles(together=TOGETHER)
    def sweep(self, batch: Sequence[tuple[SweepTasks, Turn]]) -> Together[int]:
        """Do what time asks for."""
        return sweeping.sweep(batch, self._bell)

    @handles
    async def get(self, message: GetTask, turn: Turn) -> TaskJson:
        """The whole task."""
        return _shown(await self._store.get_task(message.task_id), turn)

    @handles
    async def get_status(self, message: GetTaskStatus, turn: Turn) -> TaskJson:
        """Its status and progress."""
        return _shown(await self._store.get_status(message.task_id), turn)

    @handles
    async def show(self, message: ShowTasks, turn: Turn) -> TasksMade:
        """What a batch made, as it is now."""
        made = message.made.split(",")
        rows = await self._store.get_tasks([thing for thing in made if is_id(thing)])
        owned = {task_id: row for task_id, row in rows.items() if row["user_id"] == turn.caller.user_id}
        return TasksMade(
            [
                owned[thing]["body"].encode() if thing in owned else Refused(NotFound.code if is_id(thing) else thing)
                for thing in made
            ]
        )

    @handles
    async def list_tasks(self, message: ListTasks, turn: Turn) -> TaskPage:
        """A page of somebody's tasks."""
        owner = message.user_id or turn.caller.user_id or ""
        if owner != turn.caller.user_id and not turn.caller.is_admin:
            raise Forbidden("only administrators see other people's tasks")
        before = decode_cursor(message.cursor, tuple[Aware, Id])
        rows = await self._store.list_tasks(
            owner, status=message.status, kind=message.type, before=before, limit=message.limit + 1
        )
        page = page_of(rows, message.limit, _body, lambda row: (row["created_at"], row["id"]))
        return TaskPage(page.items, page.next_cursor)

    @handles
    async def list_events(self, message: ListTaskEvents, turn: Turn) -> TaskPage:
        """A page of a task's history."""
        _shown(await self._store.get_status(message.task_id), turn)
        after = decode_cursor(message.cursor, EventNumber) or 0
        rows = await self._store.list_events(message.task_id, after, message.limit + 1)
        page = page_of(rows, message.limit, _body, lambda row: row["n"])
        return TaskPage(page.items, page.next_cursor)

    @handles
    async def list_workers(self, message: ListWorkers, turn: Turn) -> Page[WorkerSeen]:
        """Who has asked for tasks lately."""
        before = decode_cursor(message.cursor, tuple[Aware, str])
        rows = await self._store.list_workers(turn.now - WORKERS_SEEN, before, message.limit + 1)
        return page_of(
            rows, message.limit, lambda row: WorkerSeen(**row), lambda row: (row["last_seen_at"], row["worker"])
        )

    def _freed(self, kind: str) -> None:
        """A task runs no more: where the type is limited, another may be leased."""
        if kind in self._settings.max_running:
            self._bell.ring(kind)


def _body(row: Record) -> bytes:
    body: str = row["body"]
    return body.encode()


def _shown(row: Record | None, turn: Turn) -> TaskJson:
    if row is None or (row["user_id"] != turn.caller.user_id and not turn.caller.is_admin):
        raise NotFound("no such task")
    return TaskJson(row["body"].encode())
