"""What is said about tasks: work that people ask for and outside workers carry out.

Replies that hold whole tasks carry them as the JSON that the database made (`TaskJson`, `TaskPage`, `Leased`):
the stored event, the publication and the answer are the same bytes, and nobody decodes them on the way.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from actors.messages.fields import Id, Limit, Page
from actors.runtime.message import Aware, Command, Event, Query

TaskStatus = Literal["pending", "running", "completed", "failed", "cancelled"]
TaskType = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.:/-]{1,100}$")]
"""What kind of work it is; workers lease by it."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Phase = Annotated[str, msgspec.Meta(max_length=100)]
Text = Annotated[str, msgspec.Meta(max_length=1_000)]
WorkerName = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]

LAST_RUN_AT = datetime(2200, 1, 1, tzinfo=UTC)
FIRST_RUN_AT = datetime(1970, 1, 1, tzinfo=UTC)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a task is. Starts anew with each attempt."""

    percent: Percent = 0
    phase: str | None = None
    message: str | None = None
    updated_at: Aware | None = None


class TaskError(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an attempt failed. The house itself says ``worker_lost`` and ``timeout``."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    message: Annotated[str, msgspec.Meta(max_length=10_000)] = ""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task as its owner sees it. ``run_at`` of a pending task is when its next attempt may begin."""

    id: str
    type: str
    params: dict[str, Any]
    status: TaskStatus
    priority: int
    progress: Progress
    result: Any
    error: TaskError | None
    attempt: int
    max_attempts: int
    unique_key: str | None
    run_at: Aware
    created_at: Aware
    started_at: Aware | None
    finished_at: Aware | None


class LeasedTask(Task, frozen=True, kw_only=True):
    """A task as a worker gets it: every further call about this attempt names the lease."""

    lease: str
    lease_expires_at: Aware
    user_id: str


class LeasedTasks(msgspec.Struct, frozen=True):
    """What a worker gets; empty when nothing came up in time."""

    tasks: list[LeasedTask]


class TaskState(msgspec.Struct, frozen=True, kw_only=True):
    """Only how far a task is."""

    id: str
    status: TaskStatus
    progress: Progress


class TaskMoment(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a task's history."""

    n: int
    type: str
    body: dict[str, Any]
    at: Aware


class TaskJson(msgspec.Struct, frozen=True):
    """A `Task` (or `TaskState`) as JSON. ``made``: by this request, rather than found."""

    json: bytes
    made: bool = False


class TaskPage(msgspec.Struct, frozen=True):
    """Part of a list, each item as JSON."""

    items: list[bytes]
    next_cursor: str | None = None


class NewTask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One task of a batch."""

    type: TaskType
    params: dict[str, Any]
    priority: Annotated[int, msgspec.Meta(ge=0, le=9)] = 5
    run_at: Aware | None = None
    max_attempts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    timeout_seconds: Annotated[int, msgspec.Meta(ge=1, le=604_800)] = 600
    unique_key: Name | None = None
    project_id: Name | None = None

    def __post_init__(self) -> None:
        """Refuse moments that nobody means."""
        if self.run_at is not None and not FIRST_RUN_AT <= self.run_at <= LAST_RUN_AT:
            raise ValueError("run_at must lie between the years 1970 and 2200")


class CreateTask(NewTask, Command[TaskJson], frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Create a task for the caller, or find the living one with the same type and ``unique_key``.

    Raises `QuotaExceeded`. Quota, row and event are one transaction.
    """


class Refused(msgspec.Struct, frozen=True):
    """Why one item of a batch was not done."""

    code: str


class TasksMade(msgspec.Struct, frozen=True):
    """Per item of a batch: the task as JSON, or the code of its refusal."""

    items: list[bytes | Refused]


class CreateTasks(Command[TasksMade], frozen=True, kw_only=True):
    """Create many tasks in one transaction, each answered by itself."""

    items: Annotated[list[NewTask], msgspec.Meta(min_length=1, max_length=500)]


class ShowTasks(Query[TasksMade], frozen=True, kw_only=True):
    """What `CreateTasks` made, as it is now. ``made``: ids and codes of refusals, in order, comma-separated."""

    made: str


class GetTask(Query[TaskJson], frozen=True, kw_only=True):
    """A task of the caller's (administrators: anybody's). Raises `NotFound`."""

    task_id: Id


class GetTaskStatus(Query[TaskJson], frozen=True, kw_only=True):
    """How far a task of the caller's is. Raises `NotFound`."""

    task_id: Id


class ListTasks(Query[TaskPage], frozen=True, kw_only=True):
    """Tasks of one owner, newest first. Raises `Forbidden` for somebody else's without being an administrator."""

    status: TaskStatus | None = None
    type: TaskType | None = None
    user_id: Id | None = None  # None: the caller
    limit: Limit = 20
    cursor: str | None = None


class ListTaskEvents(Query[TaskPage], frozen=True, kw_only=True):
    """The history of a task of the caller's, oldest first. Raises `NotFound`."""

    task_id: Id
    limit: Limit = 20
    cursor: str | None = None


class CancelTask(Command[TaskJson], frozen=True, kw_only=True):
    """End a pending or running task; its worker hears of it with its next call. Raises `NotFound`, `Conflict`."""

    task_id: Id


class RetryTask(Command[TaskJson], frozen=True, kw_only=True):
    """Start a failed or cancelled task anew, with all its attempts, at no cost. Raises `NotFound`, `Conflict`."""

    task_id: Id


class Leased(msgspec.Struct, frozen=True):
    """Tasks of a worker's, each a `LeasedTask` as JSON."""

    tasks: list[bytes]


class LeaseTasks(Command[Leased], frozen=True, kw_only=True):
    """Take up to ``max`` tasks for ``lease_seconds``, waiting up to ``wait_seconds`` for the first.

    The highest priority comes first, then the oldest. The attempt is counted now.
    """

    types: Annotated[list[TaskType], msgspec.Meta(min_length=1, max_length=100)]
    max: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    wait_seconds: Annotated[float, msgspec.Meta(ge=0, le=30)] = 0
    lease_seconds: Annotated[int, msgspec.Meta(ge=5, le=3_600)] = 30
    worker: WorkerName | None = None  # None: the API key names it


class TakeTasks(Command[Leased], frozen=True, kw_only=True):
    """Take tasks that are due, without waiting."""

    types: list[str]
    max: int
    lease_seconds: int
    worker: str


class ProgressTaken(msgspec.Struct, frozen=True, kw_only=True):
    """``cancelled``: stop, the work is not wanted any more."""

    cancelled: bool
    lease_expires_at: Aware


class ProgressTask(Command[ProgressTaken], frozen=True, kw_only=True):
    """Report progress, and renew the lease. What is left out stays as it was.

    Each change of percent or phase is one event. Raises `NotFound`, `Conflict` (stale lease), `RateLimited`.
    """

    task_id: Id
    lease: Id
    percent: Percent
    phase: Phase | None = None
    message: Text | None = None


class CompleteTask(Command[TaskJson], frozen=True, kw_only=True):
    """End an attempt with its result. Raises `NotFound`, `Conflict` (stale lease: nothing changes)."""

    task_id: Id
    lease: Id
    result: Any = None


class FailTask(Command[TaskJson], frozen=True, kw_only=True):
    """End an attempt that failed; the next one comes after a growing delay, while there are any and ``retry``.

    Raises `NotFound`, `Conflict` (stale lease: nothing changes).
    """

    task_id: Id
    lease: Id
    error: TaskError
    retry: bool = True


class Settlement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The end of one attempt: completed with ``result``, or failed with ``error``."""

    id: Annotated[str, msgspec.Meta(max_length=100)]
    lease: Annotated[str, msgspec.Meta(max_length=100)]
    result: Any = None
    error: TaskError | None = None
    retry: bool = True

    def __post_init__(self) -> None:
        """Refuse what is both."""
        if self.error is not None and self.result is not None:
            raise ValueError("either result or error")


class SettledTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one settlement: the task's new status, or the code of the refusal."""

    id: str
    status: TaskStatus | None = None
    code: str | None = None


class SettledTasks(msgspec.Struct, frozen=True):
    """One answer per settlement, in order."""

    items: list[SettledTask]


class SettleTasks(Command[SettledTasks], frozen=True, kw_only=True):
    """End many attempts in one transaction, each answered by itself."""

    items: Annotated[list[Settlement], msgspec.Meta(min_length=1, max_length=500)]


class SweepTasks(Command[int], frozen=True, kw_only=True):
    """Do what time alone asks for: lost leases, time limits, run_at. Replies how many tasks it changed."""


class WorkerSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A worker, and how many tasks it holds."""

    worker: str
    types: list[str]
    leased: int
    last_seen_at: Aware


class ListWorkers(Query[Page[WorkerSeen]], frozen=True, kw_only=True):
    """Workers seen in the last day, the latest first."""

    limit: Limit = 20
    cursor: Annotated[str, msgspec.Meta(max_length=1_000)] | None = None


class TaskCreated(Event, frozen=True, kw_only=True, tag="task.created"):
    """The first event of ``task:<id>``."""

    user_id: str
    task: Task


class TaskStarted(Event, frozen=True, kw_only=True, tag="task.started"):
    """A worker has leased it: a new attempt."""

    user_id: str
    task: Task


class TaskProgressed(Event, frozen=True, kw_only=True, tag="task.progressed"):
    """Percent or phase has changed."""

    task_id: str
    progress: Progress


class TaskCompleted(Event, frozen=True, kw_only=True, tag="task.completed"):
    """It is done."""

    user_id: str
    task: Task


class TaskFailed(Event, frozen=True, kw_only=True, tag="task.failed"):
    """An attempt has failed. ``will_retry``: the task is pending again, and ``task.run_at`` says when."""

    user_id: str
    will_retry: bool
    task: Task


class TaskCancelled(Event, frozen=True, kw_only=True, tag="task.cancelled"):
    """Nobody wants it any more."""

    user_id: str
    task: Task


class TaskRetried(Event, frozen=True, kw_only=True, tag="task.retried"):
    """It starts anew, with all its attempts."""

    user_id: str
    task: Task
