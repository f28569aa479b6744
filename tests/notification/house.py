"""The whole house in this process, as `app.composition` puts it together, on a database of the test's own."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from actors.auth.settings import AuthSettings
from actors.messages.account import Register
from actors.messages.notification import GetJob, ListNotifications, Notice, Notification, NotificationJob, TakeNotices
from actors.messages.task import CompleteTask, CreateTask, FailTask, LeaseTasks, TaskError
from actors.runtime.ids import uuid7
from actors.runtime.message import SYSTEM, Caller
from actors.runtime.ports import Stored
from app import logs
from app.composition import House, compose
from app.config import Config, Data
from handlers.rate_limit import LimitSettings
from storage.postgres import Database
from storage.queries import Statement
from tests.transport import sections

CHEAP = AuthSettings(argon2_memory_kib=8, argon2_passes=1)
WORKER = Caller(user_id=uuid7(), role="admin", api_key_id=uuid7(), scopes=frozenset({"worker"}))
ADMIN = Caller(user_id=uuid7(), role="admin")
PATIENCE_SECONDS = 10.0


class NotifiedHouse:
    """Shorthands for what the tests do all the time."""

    def __init__(self, house: House, database: Database, heard: list[Stored]) -> None:
        self.house = house
        self.refs = house.refs
        self.database = database
        self.heard = heard

    async def sql(self, text: str, *args: Any) -> list[Any]:
        """Run any statement."""
        return await self.database.fetch(Statement("test", text, "many"), *args)

    async def register(self, name: str) -> Caller:
        """Somebody who has registered."""
        message = Register(username=name, email=f"{name}@example.org", password="correct horse")
        made = await self.refs("accounts").ask(message, Caller())
        return Caller(user_id=made.user.id, role="user")

    async def person(self) -> Caller:
        """An account without the events of a registration, so that its inbox is empty."""
        user_id = uuid7()
        await self.people([user_id])
        return Caller(user_id=user_id, role="user")

    async def people(self, ids: list[str]) -> None:
        """Accounts, straight into their rows."""
        await self.sql(
            "with made as (insert into account (id, n, username, role, status, created_at)"
            " select id, 1, id::text, 'user', 'active', now() from unnest($1::uuid[]) id returning id)"
            " insert into quota (user_id, month) select id, '2000-01-01' from made",
            ids,
        )

    async def take(self, person: Caller, *notices: Notice) -> int:
        """Put notices into somebody's inbox, as the relay does."""
        message = TakeNotices(user_id=person.user_id or "", notices=list(notices))
        count: int = await self.refs("inbox", person.user_id or "").ask(message, SYSTEM)
        return count

    async def inbox(self, person: Caller, message: Any) -> Any:
        """Ask somebody's own inbox."""
        return await self.refs("inbox", person.user_id or "").ask(message, person)

    async def entries(self, person: Caller, **fields: Any) -> list[Notification]:
        """Somebody's inbox, newest first."""
        page = await self.refs("notifications").ask(ListNotifications(**fields), person)
        return list(page.items)

    async def job(self, job_id: str) -> NotificationJob:
        """A job's progress."""
        job: NotificationJob = await self.refs("notification_job", job_id).ask(GetJob(job_id=job_id), ADMIN)
        return job

    async def stream(self, person: Caller) -> list[dict[str, Any]]:
        """What the person's channel tells, in order."""
        rows = await self.sql("select body from event where stream = $1 order by n", f"user:{person.user_id}")
        return [msgspec.json.decode(row["body"]) for row in rows]

    async def task(self, person: Caller, **fields: Any) -> str:
        """A task of somebody's."""
        made = await self.refs("tasks").ask(CreateTask(**{"type": "work", "params": {}, **fields}), person)
        task_id: str = msgspec.json.decode(made.json)["id"]
        return task_id

    async def work(self, *, error: str = "") -> None:
        """Lease one task and complete it, or let it fail."""
        lease = LeaseTasks(types=["work"], worker="w", wait_seconds=5)
        [raw] = (await self.refs("task_leases").ask(lease, WORKER, timeout_seconds=10)).tasks
        task = msgspec.json.decode(raw)
        end: Any = CompleteTask(task_id=task["id"], lease=task["lease"], result=1)
        if error:
            end = FailTask(task_id=task["id"], lease=task["lease"], error=TaskError(code="broken", message=error))
        await self.refs("tasks").ask(end, WORKER)


@asynccontextmanager
async def open_house(dsn: str, folder: Path) -> AsyncIterator[NotifiedHouse]:
    """A running house, stopped at the end."""
    config = Config(data=Data(dir=str(folder)), auth=CHEAP, limits=LimitSettings(enabled=False), **sections())
    log = logs.start(path=folder / "house.log", level="debug", stdout=False)
    heard: list[Stored] = []
    try:
        async with compose(config, dsn, None, log) as house:
            house.open(lambda: None)
            house._core.publishing.add(heard.extend)
            yield NotifiedHouse(house, house._core.base.database, heard)
            house.close()
    finally:
        log.close()


async def until(condition: Callable[[], Awaitable[Any]], within_seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until something is true, and return it."""
    end = time.monotonic() + within_seconds
    while not (found := await condition()):
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.01)
    return found
