"""The rules that turn events into notices, and their delivery to inboxes.

The notifier is fed by events only: no other noun calls it. Delivery is at least once; inboxes make it once.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from actors.errors import NotFound
from actors.messages.notification import Notice, TakeNotices, TaskChange
from actors.runtime.actor import Ref
from actors.runtime.message import SYSTEM

Rule = Callable[[dict[str, Any]], tuple[str | None, Notice] | None]
"""Event body -> whom it concerns, and the notice (without its source)."""


class Recorded(Protocol):
    """An event as the relay hands it over."""

    @property
    def stream(self) -> str: ...  # noqa: D102
    @property
    def n(self) -> int: ...  # noqa: D102
    @property
    def type(self) -> str: ...  # noqa: D102
    @property
    def body(self) -> str | bytes: ...  # noqa: D102


def welcome(body: dict[str, Any]) -> tuple[str | None, Notice]:
    """Somebody has registered."""
    name = body["user"]["username"]
    return body["user"]["id"], Notice(
        source="", type="welcome", title=f"Welcome, {name}", body="Your account is ready.", data={"username": name}
    )


def task_status(status: str, title: str = "", priority: str = "normal") -> Rule:
    """A task has a new status; with a title the inbox hears of it too."""

    def rule(body: dict[str, Any]) -> tuple[str | None, Notice]:
        task = body["task"]
        error = (task.get("error") or {}).get("message", "")
        notice = Notice(
            source="", change=TaskChange(task_id=task["id"], status=task["status"] or status),
            type="task" if title else "", title=title.format(type=task["type"]), body=error,
            data={"task_id": task["id"], "task_type": task["type"], "status": task["status"] or status},
            priority="high" if priority == "high" else "normal",
        )  # fmt: skip
        return task["user_id"], notice

    return rule


NOTICES: Mapping[str, Rule] = {}


def deliver_notices(ref: Callable[[str, str], Ref]) -> Callable[[Sequence[Recorded]], Any]:
    """Make the relay's consumer: one message per person and batch, in the order of the events.

    Raises whatever an inbox raises but `NotFound` (the person is gone), so that the relay tries again.
    """

    async def deliver(events: Sequence[Recorded]) -> None:
        people: dict[str, list[Notice]] = defaultdict(list)
        for event in events:
            found = NOTICES[event.type](msgspec.json.decode(event.body))
            if found is not None and found[0] is not None:
                source = f"{event.stream}:{event.n}"
                people[found[0]].append(msgspec.structs.replace(found[1], source=source))
        for user_id, notices in people.items():
            try:
                await ref("inbox", user_id).ask(TakeNotices(user_id=user_id, notices=notices), SYSTEM)
            except NotFound:
                continue

    return deliver
