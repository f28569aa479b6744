"""Jobs that notify many people: one actor per job, step by step, continued after a crash.

A step's notices carry the job as their source, and an inbox takes each source once: a step that is taken again
after a crash notifies nobody twice.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

import msgspec

from actors.errors import Internal, NotFound
from actors.messages.notification import (
    ContinueJob,
    GetJob,
    JobAccepted,
    JobAdvanced,
    JobStarted,
    Notice,
    NotificationJob,
    StartJob,
    TakeNotices,
)
from actors.runtime.actor import Decision, Entity, Ref, Snapshot, Turn, handles
from actors.runtime.message import SYSTEM, Event
from storage import queries
from storage.notification import NotificationStore
from storage.write import Write

Q = queries.load("notification")
STEP = 200
"""People per step: the inboxes of one step commit together, and a job's progress shows after each."""


PATIENCE = timedelta(seconds=15)
"""After this a job that has not ended is told to go on, and again until it has: whatever broke its chain of steps."""


class Timers(Protocol):
    """Durable timers."""

    def set(self, timer_id: str, kind: str, key: str, message: Any, due_at: datetime) -> Write:
        """The write that sets one."""
        ...

    def end(self, timer_id: str) -> Write:
        """The write that ends one."""
        ...


class JobState(msgspec.Struct, frozen=True, kw_only=True):
    """A job as its row holds it."""

    id: str
    recipients: list[str] | Literal["all"]
    notice: Notice
    total: int
    created_at: datetime
    done: int = 0
    failed: int = 0
    position: str = ""
    finished: bool = False


class NotificationJobs(Entity[JobState]):
    """See the module. Owned; stream ``notification_job:<id>``."""

    kind = "notification_job"
    asks = frozenset({"inbox"})

    def __init__(self, store: NotificationStore, ref: Callable[[str, str], Ref], timers: Timers) -> None:
        self._store = store
        self._ref = ref
        self._timers = timers

    async def load(self, key: str) -> Snapshot[JobState] | None:
        """Read the job's row."""
        row = await self._store.get_job(key)
        if row is None:
            return None
        state = JobState(
            id=key,
            recipients=msgspec.json.decode(row["recipients"], type=list[str] | Literal["all"]),
            notice=msgspec.json.decode(row["notice"], type=Notice),
            total=row["total"], created_at=row["created_at"], done=row["done"], failed=row["failed"],
            position=row["position"], finished=row["finished"],
        )  # fmt: skip
        return Snapshot(state, row["n"])

    def apply(self, state: JobState | None, event: Event) -> JobState:
        """Started, then advanced until it is finished."""
        match event:
            case JobStarted():
                return JobState(
                    id=event.job_id, recipients=event.to, notice=event.notice, total=event.total, created_at=event.at,
                    finished=event.total == 0,
                )  # fmt: skip
            case JobAdvanced() if state is not None:
                return msgspec.structs.replace(
                    state, position=event.position, done=state.done + event.done,
                    failed=state.failed + event.failed, finished=event.finished,
                )  # fmt: skip
        raise TypeError(type(event).__name__)

    def save(self, key: str, state: JobState | None, n: int) -> Sequence[Write]:
        """The job's row."""
        if state is None:
            return []
        recipients = msgspec.json.encode(state.recipients).decode()
        notice = msgspec.json.encode(state.notice).decode()
        row = (
            key, n, recipients, notice, state.total, state.done, state.failed, state.position, state.finished,
            state.created_at,
        )  # fmt: skip
        return [Write(Q.save_job, row)]

    @handles
    def start(self, state: JobState | None, message: StartJob, turn: Turn) -> JobAccepted | Decision[JobAccepted]:
        """Write the job down and take the first step after the answer."""
        accepted = JobAccepted(job_id=message.job_id)
        if state is not None:
            return accepted
        event = JobStarted(
            at=turn.now, job_id=message.job_id, to=message.to, total=message.total, notice=message.notice
        )
        if not message.total:
            return Decision(reply=accepted, events=[event], made=message.job_id)
        watch = self._timers.set(
            message.job_id, self.kind, message.job_id, ContinueJob(job_id=message.job_id), turn.now + PATIENCE
        )
        return Decision(
            reply=accepted, events=[event], writes=[watch], made=message.job_id, after=self._go_on(message.job_id)
        )

    @handles
    async def go_on(self, state: JobState | None, message: ContinueJob, turn: Turn) -> Decision[None] | None:
        """Notify the next people. A step is given up, to be taken again later, unless it is clear for everybody."""
        if state is None or state.finished:
            return None
        people, position, last = await self._next(state)
        results = await asyncio.gather(*(self._notify(person, state.notice) for person in people))
        event = JobAdvanced(
            at=turn.now, position=position, done=sum(results), failed=len(results) - sum(results), finished=last
        )
        if last:
            return Decision(events=[event], writes=[self._timers.end(message.job_id)])
        return Decision(events=[event], after=self._go_on(message.job_id))

    @handles
    def show(self, state: JobState | None, message: GetJob, turn: Turn) -> NotificationJob:
        """The job's progress."""
        del message, turn
        if state is None:
            raise NotFound("no such job")
        return NotificationJob(
            id=state.id, status="finished" if state.finished else "running", total=state.total, done=state.done,
            failed=state.failed, created_at=state.created_at,
        )  # fmt: skip

    async def _next(self, state: JobState) -> tuple[list[str], str, bool]:
        if state.recipients == "all":
            people = await self._store.list_recipients(state.id, state.position or None, STEP)
            return people, people[-1] if people else state.position, len(people) < STEP
        start = int(state.position or 0)
        people = list(state.recipients[start : start + STEP])
        return people, str(start + len(people)), start + len(people) >= len(state.recipients)

    async def _notify(self, user_id: str, notice: Notice) -> bool:
        """Whether the inbox has taken it: not when there is no such person, or when their inbox crashed over it."""
        try:
            await self._ref("inbox", user_id).ask(TakeNotices(user_id=user_id, notices=[notice]), SYSTEM)
        except (NotFound, Internal):
            return False
        return True

    def _go_on(self, job_id: str) -> Callable[[], None]:
        return lambda: self._ref(self.kind, job_id).tell(ContinueJob(job_id=job_id), SYSTEM)
