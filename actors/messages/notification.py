"""What is said to and by the notifier: inboxes, preferences, and jobs that notify many."""

from typing import Annotated, Any, Literal

import msgspec

from actors.messages.chat import ChatInvited, MessageArrived
from actors.messages.fields import Id, Limit, Page
from actors.runtime.message import Aware, Command, Event, Query

Priority = Literal["low", "normal", "high", "critical"]
Channel = Literal["inbox", "realtime", "email", "sms", "push"]
NotificationType = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_.]{0,49}$")]
"""A word such as ``system`` or ``task``: what preferences are kept by."""
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=4_000)]
ClockTime = Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of an inbox."""

    id: str
    type: str
    title: str
    body: str
    data: dict[str, Any]
    priority: Priority
    created_at: Aware
    read_at: Aware | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person should hear of, before their preferences have been asked."""

    source: str = ""  # what it stems from (``task:<id>:<n>``); an inbox takes each source once
    type: str = ""  # empty: no entry, only ``change`` is told
    title: str = ""
    body: str = ""
    data: dict[str, Any] = {}
    priority: Priority = "normal"
    channels: tuple[Channel, ...] | None = None  # None: as the person prefers
    change: "TaskChange | ChatInvited | MessageArrived | None" = None


class TaskChange(msgspec.Struct, frozen=True, tag_field="type", tag="task.changed"):
    """A task has a new status; told on the owner's channel."""

    task_id: str
    status: str


class TypePreference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where notifications of one type go."""

    channels: Annotated[list[Channel], msgspec.Meta(max_length=5)]


class QuietHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A time of day in which only ``critical`` interrupts; entries still arrive in the inbox."""

    from_: ClockTime
    to: ClockTime
    time_zone: Annotated[str, msgspec.Meta(max_length=64)] = "UTC"


class Preferences(msgspec.Struct, frozen=True):
    """What a person wants to hear of, and how. Types that are not named go to inbox and realtime.

    Where the house sends e-mail, `message`, `mention` and `security` go there, too, until they are named: that is what
    ``types`` then shows.
    """

    types: dict[str, TypePreference] = {}
    quiet_hours: QuietHours | None = None


class UnreadCount(msgspec.Struct, frozen=True):
    """How many entries have not been read."""

    count: int


class JobAccepted(msgspec.Struct, frozen=True):
    """The job's id: ask for its progress at ``/notifications/jobs/{id}``."""

    job_id: str


class NotificationJob(msgspec.Struct, frozen=True, kw_only=True):
    """Progress of a notification to many. ``failed`` counts people who do not exist (any more).

    "all" means those who had an account when the job began; who leaves before their turn counts nowhere.
    """

    id: str
    status: Literal["running", "finished"]
    total: int
    done: int
    failed: int
    created_at: Aware


class ListNotifications(Query[Page[Notification]], frozen=True, kw_only=True):
    """The caller's inbox, newest first."""

    unread: bool | None = None
    type: NotificationType | None = None
    limit: Limit = 20
    cursor: str | None = None


class CountUnread(Query[UnreadCount], frozen=True, kw_only=True):
    """How many entries of the caller's inbox are unread."""


class ReadNotification(Command[None], frozen=True, kw_only=True):
    """Mark one entry as read; again is a no-op."""

    notification_id: Id


class ReadAllNotifications(Command[None], frozen=True, kw_only=True):
    """Mark every entry as read."""


class DeleteNotification(Command[None], frozen=True, kw_only=True):
    """Remove one entry."""

    notification_id: Id


class GetPreferences(Query[Preferences], frozen=True, kw_only=True):
    """The caller's preferences."""


class ChangePreferences(Command[Preferences], frozen=True, kw_only=True):
    """Change what is named: each type by itself, and the quiet hours (null ends them)."""

    types: Annotated[dict[NotificationType, TypePreference], msgspec.Meta(max_length=100)] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    quiet_hours: QuietHours | msgspec.UnsetType | None = msgspec.UNSET


class TakeNotices(Command[int], frozen=True, kw_only=True):
    """Put notices into an inbox; those whose source it has taken before are passed over. Answers how many were new."""

    user_id: str
    notices: list[Notice]


class NotifyMany(Command[JobAccepted], frozen=True, kw_only=True):
    """Notify the named people, or everybody."""

    to: Annotated[list[Id], msgspec.Meta(min_length=1, max_length=10_000)] | Literal["all"]
    type: NotificationType = "system"
    title: Title
    body: Text = ""
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    channels: Annotated[list[Channel], msgspec.Meta(max_length=5)] | None = None
    priority: Priority = "normal"


class ShowAcceptedJob(Query[JobAccepted], frozen=True, kw_only=True):
    """The answer to `NotifyMany` once more, for a replay of its idempotency key."""

    job_id: str


class StartJob(Command[JobAccepted], frozen=True, kw_only=True):
    """Begin a job: the first message of its actor."""

    job_id: str
    to: list[str] | Literal["all"]
    total: int
    notice: Notice


class ContinueJob(Command[None], frozen=True, kw_only=True):
    """Take the job's next step."""

    job_id: str


class GetJob(Query[NotificationJob], frozen=True, kw_only=True):
    """A job's progress."""

    job_id: Id


class NotificationCreated(Event, frozen=True, kw_only=True, tag="notification.created"):
    """An entry has arrived."""

    notification: Notification


class TaskChanged(Event, frozen=True, kw_only=True, tag="task.changed"):
    """One of the person's tasks has a new status."""

    task_id: str
    status: str


class PreferencesChanged(Event, frozen=True, kw_only=True, tag="notification.preferences_changed"):
    """The person wants to hear of other things, or elsewhere."""

    preferences: Preferences


class JobStarted(Event, frozen=True, kw_only=True, tag="notification_job.started"):
    """A job was accepted."""

    job_id: str
    to: list[str] | Literal["all"]
    total: int
    notice: Notice


class JobAdvanced(Event, frozen=True, kw_only=True, tag="notification_job.advanced"):
    """A step of a job is done; ``position`` is where the next one starts."""

    position: str
    done: int
    failed: int
    finished: bool
