"""A house with tasks alone: real System, Journal and PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec

from actors.errors import Conflict
from actors.messages.task import (
    CompleteTask,
    CreateTask,
    FailTask,
    GetTask,
    LeaseTasks,
    ProgressTask,
    TaskJson,
)
from actors.runtime.actor import Idempotency
from actors.runtime.clock import SystemClock
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller
from actors.runtime.ports import DeadLetter, Stored
from actors.runtime.system import System
from actors.task.leasing import TaskLeases
from actors.task.settings import TaskSettings
from actors.task.sweeping import Sweeper
from actors.task.tasks import Tasks
from actors.task.waiting import Bell
from storage.house import House
from storage.idempotency import insert_idempotency
from storage.journal import Journal
from storage.postgres import Database
from storage.queries import Statement
from storage.recent import Recent
from storage.task import TaskStore

WORKER = Caller(user_id=uuid7(), role="admin", api_key_id=uuid7(), scopes=frozenset({"worker"}))


class Heard:
    """A publisher that remembers."""

    def __init__(self) -> None:
        self.events: list[Stored] = []

    def publish(self, events: Sequence[Stored]) -> None:
        self.events.extend(events)


class Buried:
    """Dead letters that remember."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    async def store(self, letter: DeadLetter) -> None:
        self.letters.append(letter)


class TaskHouse:
    """Shorthands for what the tests do all the time."""

    def __init__(
        self, system: System, database: Database, sweeper: Sweeper, bell: Bell, heard: Heard, recent: Recent
    ) -> None:
        self.system = system
        self.database = database
        self.recent = recent
        self.store = TaskStore(database)
        self.sweeper = sweeper
        self.bell = bell
        self.heard = heard

    async def person(self, *, role: str = "user", max_tasks: int | None = None) -> Caller:
        """Make an account with a quota."""
        user_id = uuid7()
        await self.sql(
            "insert into account (id, n, username, role, status, created_at)"
            " values ($1::uuid, 1, $1::uuid::text, $2, 'active', now())",
            user_id,
            role,
        )
        await self.sql(
            "insert into quota (user_id, month, max_tasks) values ($1, '2000-01-01', $2)", user_id, max_tasks
        )
        return Caller(user_id=user_id, role=role)

    async def sql(self, text: str, *args: Any) -> list[Any]:
        """Run any statement."""
        return await self.database.fetch(Statement("test", text, "many"), *args)

    async def ask(self, message: Any, caller: Caller, **options: Any) -> Any:
        """Ask whoever handles it."""
        kind = "task_leases" if isinstance(message, LeaseTasks) else "tasks"
        return await self.system.ref(kind).ask(message, caller, **{"timeout_seconds": 10.0, **options})

    async def create(self, caller: Caller, **fields: Any) -> dict[str, Any]:
        """Create a task and return it."""
        return shown(await self.ask(CreateTask(**{"type": "work", "params": {"x": 1}, **fields}), caller))

    async def lease(self, **fields: Any) -> list[dict[str, Any]]:
        """Lease tasks as a worker."""
        found = await self.ask(
            LeaseTasks(**{"types": ["work"], "worker": "w1", **fields}), WORKER, timeout_seconds=40.0
        )
        return [msgspec.json.decode(task) for task in found.tasks]

    async def lease_one(self, **fields: Any) -> dict[str, Any]:
        """Lease exactly one task."""
        [task] = await self.lease(**fields)
        return task

    async def progress(self, task: dict[str, Any], percent: float, **fields: Any) -> Any:
        """Report progress under the task's lease."""
        return await self.ask(ProgressTask(task_id=task["id"], lease=task["lease"], percent=percent, **fields), WORKER)

    async def complete(self, task: dict[str, Any], result: Any = None) -> dict[str, Any]:
        """Complete under the task's lease."""
        return shown(await self.ask(CompleteTask(task_id=task["id"], lease=task["lease"], result=result), WORKER))

    async def fail(self, task: dict[str, Any], *, retry: bool = True) -> dict[str, Any]:
        """Fail under the task's lease."""
        error = {"code": "broken", "message": "it broke"}
        message = msgspec.convert(
            {"task_id": task["id"], "lease": task["lease"], "error": error, "retry": retry}, FailTask
        )
        return shown(await self.ask(message, WORKER))

    async def get(self, task_id: str, caller: Caller = WORKER) -> dict[str, Any]:
        """The task as it is now."""
        return shown(await self.ask(GetTask(task_id=task_id), caller))

    async def due(self, task_id: str) -> None:
        """Let a pending task's run_at be now."""
        await self.sql("update task set run_at = now() - interval '1 s', due = true where id = $1", task_id)

    async def lose_lease(self, task_id: str) -> None:
        """Let the lease run out."""
        await self.sql("update task set lease_expires_at = now() - interval '1 ms' where id = $1", task_id)

    async def events(self, task_id: str) -> list[tuple[int, str, dict[str, Any]]]:
        """The stream ``task:<id>`` as it is stored."""
        rows = await self.sql("select n, type, body from event where stream = $1 order by n", f"task:{task_id}")
        return [(row["n"], row["type"], msgspec.json.decode(row["body"])) for row in rows]


def shown(reply: TaskJson) -> dict[str, Any]:
    """The task in a reply."""
    task: dict[str, Any] = msgspec.json.decode(reply.json)
    return task


@asynccontextmanager
async def open_house(
    dsn: str,
    *,
    name: str = "one",
    alone: bool = True,
    settings: TaskSettings | None = None,
    allowance: Callable[[str], int | None] = lambda _: 1_000,
) -> AsyncIterator[TaskHouse]:
    """A running house, stopped at the end. Nothing sweeps unless the test does."""
    settings = settings or TaskSettings()
    house = await House.claim(dsn, name, alone=alone)
    database = await Database.open(dsn, house.application_name, pool_size=4)
    journal = Journal(dsn, house, lanes=1)
    await journal.start()
    heard, bell, store = Heard(), Bell(), TaskStore(database)
    systems: list[System] = []

    def ref(kind: str, key: str) -> Any:
        return systems[0].ref(kind, key)

    system = System(
        packed=True,  # as if every message left the process
        kinds=[Tasks(store, settings, allowance, bell), TaskLeases(ref, bell)],
        journal=journal,
        publisher=heard,
        dead_letters=Buried(),
        record_idempotency=record_idempotency,
    )
    systems.append(system)
    sweeper = Sweeper(store=store, ref=ref, bell=bell, clock=SystemClock(), settings=settings)
    try:
        async with system:
            yield TaskHouse(system, database, sweeper, bell, heard, journal.recent)
            bell.close()
    finally:
        await journal.stop()
        await database.close()
        await house.release()


def record_idempotency(caller: Caller, idempotency: Idempotency, made: str) -> Any:
    """As `app` wires it."""
    return insert_idempotency(
        caller.user_id or "anonymous", idempotency.route, idempotency.key, idempotency.body_hmac, made,
        datetime.now(UTC), Conflict("this key is taken"),
    )  # fmt: skip
