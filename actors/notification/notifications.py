"""What needs no inbox of its own: lists, counts, and the start of jobs."""

from collections.abc import Callable
from typing import Literal

import msgspec

from actors.cursors import decode_cursor, page_of
from actors.messages.fields import Id, Page
from actors.messages.notification import (
    CountUnread,
    JobAccepted,
    ListNotifications,
    Notice,
    Notification,
    NotifyMany,
    ShowAcceptedJob,
    StartJob,
    UnreadCount,
)
from actors.runtime.actor import Ref, Service, Turn, handles
from actors.runtime.ids import uuid7
from actors.runtime.message import Aware
from storage.notification import NotificationStore
from storage.postgres import Record


def entry(row: Record) -> Notification:
    """Make an entry from its row."""
    return Notification(**{**row, "data": msgspec.json.decode(row["data"])})


class Notifications(Service):
    """Reads of inboxes, and jobs that notify many."""

    kind = "notifications"
    asks = frozenset({"notification_job"})

    def __init__(self, store: NotificationStore, ref: Callable[[str, str], Ref]) -> None:
        self._store = store
        self._ref = ref

    @handles
    async def list_inbox(self, message: ListNotifications, turn: Turn) -> Page[Notification]:
        """A page of the caller's inbox, newest first."""
        before = decode_cursor(message.cursor, tuple[Aware, Id])
        user_id = turn.caller.user_id or ""
        rows = await self._store.list_notifications(
            user_id, unread=message.unread, kind=message.type, before=before, limit=message.limit + 1
        )
        return page_of(rows, message.limit, entry, lambda row: (row["created_at"], row["id"]))

    @handles
    async def count_unread(self, message: CountUnread, turn: Turn) -> UnreadCount:
        """How many entries are unread."""
        del message
        return UnreadCount(await self._store.count_unread(turn.caller.user_id or ""))

    @handles
    async def notify_many(self, message: NotifyMany, turn: Turn) -> JobAccepted:
        """Start a job; it is written down before the answer."""
        job_id = uuid7()
        people: list[str] | Literal["all"] = "all" if message.to == "all" else list(dict.fromkeys(message.to))
        total = await self._store.count_recipients(job_id) if people == "all" else len(people)
        notice = Notice(
            source=f"notification_job:{job_id}", type=message.type, title=message.title, body=message.body,
            data=message.data, priority=message.priority,
            channels=None if message.channels is None else tuple(message.channels),
        )  # fmt: skip
        start = StartJob(job_id=job_id, to=people, total=total, notice=notice)
        return await self._ref("notification_job", job_id).ask(start, turn.caller, idempotency=turn.idempotency)

    @handles
    def show_accepted(self, message: ShowAcceptedJob, turn: Turn) -> JobAccepted:
        """What `notify_many` answered."""
        del turn
        return JobAccepted(message.job_id)
