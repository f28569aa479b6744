"""Tasks: what people and workers may ask for."""

from typing import Any

import msgspec

from actors.messages.fields import Page
from actors.messages.task import (
    CancelTask,
    CompleteTask,
    CreateTask,
    CreateTasks,
    FailTask,
    GetTask,
    GetTaskStatus,
    Leased,
    LeasedTasks,
    LeaseTasks,
    ListTaskEvents,
    ListTasks,
    ListWorkers,
    ProgressTask,
    Refused,
    RetryTask,
    SettleTasks,
    ShowTasks,
    Task,
    TaskJson,
    TaskMoment,
    TaskPage,
    TasksMade,
    TaskState,
)
from handlers.operation import Access, Operation

MANY_BYTES = 8_388_608
"""The limit of bodies that hold up to 500 items."""
PATIENCE_SECONDS = 40.0
"""More than a worker may wait for tasks."""


class TaskAnswers(msgspec.Struct, frozen=True):
    """One answer per item, in order: the task, or the code of its refusal."""

    items: list[Task | Refused]


def show(reply: TaskJson) -> tuple[int, Any]:
    """A task, as the database rendered it."""
    return 200, msgspec.Raw(reply.json)


def show_created(reply: TaskJson) -> tuple[int, Any]:
    """201 for a new task; 200 for a living one that was found."""
    return (201 if reply.made else 200), msgspec.Raw(reply.json)


def show_page(reply: TaskPage) -> tuple[int, Any]:
    """Part of a list."""
    return 200, Page([msgspec.Raw(item) for item in reply.items], reply.next_cursor)


def show_made(reply: TasksMade) -> tuple[int, Any]:
    """The answers to a batch."""
    return 200, {"items": [msgspec.Raw(item) if isinstance(item, bytes) else item for item in reply.items]}


def show_leased(reply: Leased) -> tuple[int, Any]:
    """What a worker got."""
    return 200, {"tasks": [msgspec.Raw(task) for task in reply.tasks]}


NEW_TASK = {"type": "upscale", "params": {"file_id": "f-17", "factor": 4}, "priority": 7, "unique_key": "f-17"}
LEASE = "01990a1b-5c00-7000-8000-00000000000b"
TASK = "01990a1b-5c00-7000-8000-00000000000a"

OWNERS = [
    Operation(
        method="POST", path="/tasks", message=CreateTask, to="tasks", tag="task", rpc="task.create", rate="write",
        status=201, reply=Task, present=show_created, creates=lambda task_id: GetTask(task_id=task_id),
        summary="Create a task, or find the living one with the same type and unique_key (200)",
        errors=("quota_exceeded",), example=NEW_TASK,
    ),
    Operation(
        method="POST", path="/tasks/batch", message=CreateTasks, to="tasks", tag="task", rate="write",
        reply=TaskAnswers, present=show_made, replays=lambda _, made: ShowTasks(made=made), body_limit_bytes=MANY_BYTES,
        summary="Create up to 500 tasks, each answered by itself: the task, or the code of its refusal",
        example={"items": [NEW_TASK]},
    ),
    Operation(
        method="GET", path="/tasks", message=ListTasks, to="tasks", tag="task", reply=Page[Task], present=show_page,
        summary="My tasks, newest first; administrators may ask for somebody's",
    ),
    Operation(
        method="GET", path="/tasks/workers", message=ListWorkers, to="tasks", tag="task", access=Access.ADMIN,
        summary="Workers that were seen in the last day",
    ),
    Operation(
        method="GET", path="/tasks/{task_id}", message=GetTask, to="tasks", tag="task", rpc="task.get", reply=Task,
        present=show, summary="A task", errors=("not_found",),
    ),
    Operation(
        method="GET", path="/tasks/{task_id}/status", message=GetTaskStatus, to="tasks", tag="task", reply=TaskState,
        present=show, summary="How far a task is", errors=("not_found",),
    ),
    Operation(
        method="GET", path="/tasks/{task_id}/events", message=ListTaskEvents, to="tasks", tag="task",
        reply=Page[TaskMoment], present=show_page, summary="What happened to a task, oldest first",
        errors=("not_found",),
    ),
    Operation(
        method="POST", path="/tasks/{task_id}/cancel", message=CancelTask, to="tasks", tag="task", rpc="task.cancel",
        rate="write", reply=Task, present=show, summary="Cancel a task; its worker hears of it with its next call",
        errors=("not_found", "conflict"),
    ),
    Operation(
        method="POST", path="/tasks/{task_id}/retry", message=RetryTask, to="tasks", tag="task", rpc="task.retry",
        rate="write", reply=Task, present=show, summary="Start a failed or cancelled task anew; costs no quota",
        errors=("not_found", "conflict"),
    ),
]  # fmt: skip

WORKERS = [
    Operation(
        method="POST", path="/tasks/lease", message=LeaseTasks, to="task_leases", tag="task", access=Access.WORKER,
        rate="worker", reply=LeasedTasks, present=show_leased, timeout_seconds=PATIENCE_SECONDS, waits=True,
        summary="Lease tasks, waiting for the first: the highest priority, then the oldest",
        example={"types": ["upscale"], "max": 10, "wait_seconds": 20, "worker": "gpu-1"},
    ),
    Operation(
        method="PUT", path="/tasks/{task_id}/progress", message=ProgressTask, to="tasks", tag="task",
        access=Access.WORKER, rate="worker", summary="Report progress and renew the lease",
        errors=("not_found", "conflict"),
        example={"lease": LEASE, "percent": 40, "phase": "upscaling", "message": "tile 12 of 30"},
    ),
    Operation(
        method="POST", path="/tasks/{task_id}/complete", message=CompleteTask, to="tasks", tag="task",
        access=Access.WORKER, rate="worker", reply=Task, present=show, summary="End an attempt with its result",
        errors=("not_found", "conflict"), example={"lease": LEASE, "result": {"file_id": "f-18"}},
    ),
    Operation(
        method="POST", path="/tasks/{task_id}/fail", message=FailTask, to="tasks", tag="task", access=Access.WORKER,
        rate="worker", reply=Task, present=show, summary="End an attempt that failed",
        errors=("not_found", "conflict"),
        example={"lease": LEASE, "error": {"code": "out_of_memory", "message": "needs 12 GiB"}, "retry": False},
    ),
    Operation(
        method="POST", path="/tasks/settle", message=SettleTasks, to="tasks", tag="task", access=Access.WORKER,
        rate="worker", body_limit_bytes=MANY_BYTES, summary="End up to 500 attempts, each answered by itself",
        example={"items": [{"id": TASK, "lease": LEASE, "result": {"file_id": "f-18"}}]},
    ),
]  # fmt: skip

OPERATIONS = OWNERS + WORKERS
