"""The rules that turn events into notices, and their delivery to inboxes.

The notifier is fed by events only: no other noun calls it. Delivery is at least once; inboxes make it once.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from actors.errors import NotFound
from actors.messages.notification import Notice, Priority, TakeNotices, TaskChange
from actors.notification import about_couriers
from actors.notification.about_letters import delivery_changed, letter_moved
from actors.runtime.actor import Ref
from actors.runtime.message import SYSTEM
from storage.events import EventRow

Body = dict[str, Any]
Told = tuple[str, Notice]
Rule = Callable[[Body], Told | None]
"""Event body -> whom it concerns, and the notice (without its source)."""


def welcome(body: Body) -> Told:
    """Somebody has registered."""
    name = body["user"]["username"]
    return body["user"]["id"], Notice(
        type="welcome", title=f"Welcome, {name}", body="Your account is ready.", data={"username": name}
    )


def stolen_session(body: Body) -> Told | None:
    """A refresh token came twice: somebody may have a copy, so the session was ended."""
    if body["reason"] != "reuse":
        return None
    return body["user_id"], Notice(
        type="security", priority="critical", title="A session was ended for your safety",
        body="Its refresh token was used twice. If you do not know why, change your password.",
        data={"session_id": body["session_id"]},
    )  # fmt: skip


def new_follower(body: Body) -> Told:
    """Somebody follows somebody."""
    name = body["username"]
    return body["other_id"], Notice(type="follow", title=f"{name} follows you", data={"username": name})


def task_changed(body: Body) -> Told:
    """A task has a new status: the owner's screens hear of it, the inbox does not."""
    return body["user_id"], Notice(change=_change(body))


def task_completed(body: Body) -> Told:
    """A task is done."""
    return body["user_id"], _about_task(body, f"Your task {body['task']['type']} is completed")


def task_failed(body: Body) -> Told:
    """A task has failed; the inbox hears of it when no attempt is left."""
    if body["will_retry"]:
        return task_changed(body)
    return body["user_id"], _about_task(body, f"Your task {body['task']['type']} has failed", priority="high")


def _about_task(body: Body, title: str, priority: Priority = "normal") -> Notice:
    task = body["task"]
    error = task["error"] or {}
    return Notice(
        type="task", title=title, body=error.get("message", ""), priority=priority, change=_change(body),
        data={"task_id": task["id"], "task_type": task["type"], "status": task["status"]},
    )  # fmt: skip


def _change(body: Body) -> TaskChange:
    return TaskChange(task_id=body["task"]["id"], status=body["task"]["status"])


NOTICES: Mapping[str, Rule] = {
    "account.registered": welcome,
    "session.ended": stolen_session,
    "profile.followed": new_follower,
    "task.started": task_changed,
    "task.completed": task_completed,
    "task.failed": task_failed,
    "task.cancelled": task_changed,
    "task.retried": task_changed,
    **about_couriers.NOTICES,
}
"""Event type -> rule. A new noun adds what people should hear of. That a task was created changes no status."""


SEVERAL: Mapping[str, Callable[[Body], Sequence[Told]]] = {
    "letter.moved": letter_moved,
    "delivery.changed": delivery_changed,
}
"""Event type -> rule, for what concerns several people."""

HEARD = (*NOTICES, *SEVERAL)
"""The events that `deliver_notices` wants to hear of."""


def _told(kind: str, body: Body) -> Sequence[Told]:
    if kind in SEVERAL:
        return SEVERAL[kind](body)
    told = NOTICES[kind](body)
    return () if told is None else (told,)


def deliver_notices(ref: Callable[[str, str], Ref]) -> Callable[[Sequence[EventRow]], Any]:
    """Make the relay's consumer: one message per person and batch, in the order of the events.

    Raises whatever an inbox raises but `NotFound` (the person is gone), so that the relay tries again.
    """

    async def deliver(events: Sequence[EventRow]) -> None:
        people: dict[str, list[Notice]] = defaultdict(list)
        for event in events:
            found = _told(event.type, msgspec.json.decode(event.body))
            source = f"{event.stream}:{event.n}"
            for person, notice in found:
                people[person].append(msgspec.structs.replace(notice, source=source))
        asks = [
            ref("inbox", user).ask(TakeNotices(user_id=user, notices=notices), SYSTEM)
            for user, notices in people.items()
        ]
        for outcome in await asyncio.gather(*asks, return_exceptions=True):  # all at once: they share commits
            if isinstance(outcome, BaseException) and not isinstance(outcome, NotFound):
                raise outcome

    return deliver
