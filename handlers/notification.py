"""Inboxes and jobs on the wire."""

from actors.messages.notification import (
    ChangePreferences,
    CountUnread,
    DeleteNotification,
    GetJob,
    GetPreferences,
    ListNotifications,
    NotifyMany,
    ReadAllNotifications,
    ReadNotification,
    ShowAcceptedJob,
)
from actors.runtime.message import Caller, Message
from handlers.operation import Access, Operation

MANY_BYTES = 524_288
"""The limit of a notification's body: 10,000 ids of people take 390,000."""


def own_inbox(message: Message, caller: Caller) -> str:
    """Everybody has one inbox: their own."""
    del message
    return caller.user_id or ""


def job_of(message: GetJob, caller: Caller) -> str:
    """The job's own actor."""
    del caller
    return message.job_id


OPERATIONS = [
    Operation(
        method="GET", path="/notifications", message=ListNotifications, to="notifications", tag="notification",
        summary="My inbox, newest first", rpc="notification.list", errors=("invalid_request",),
    ),
    Operation(
        method="GET", path="/notifications/unread-count", message=CountUnread, to="notifications", tag="notification",
        summary="How many entries are unread", rpc="notification.count",
    ),
    Operation(
        method="PUT", path="/notifications/read-all", message=ReadAllNotifications, to="inbox", key=own_inbox,
        status=204, tag="notification", summary="Mark every entry as read", rate="write", rpc="notification.read_all",
    ),
    Operation(
        method="GET", path="/notifications/preferences", message=GetPreferences, to="inbox", key=own_inbox,
        tag="notification", summary="What I want to hear of, and how",
    ),
    Operation(
        method="PATCH", path="/notifications/preferences", message=ChangePreferences, to="inbox", key=own_inbox,
        tag="notification", summary="Change what is named", rate="write",
        example={"types": {"task": {"channels": ["inbox"]}}, "quiet_hours": {"from": "22:00", "to": "07:00",
                                                                            "time_zone": "Europe/Berlin"}},
    ),
    Operation(
        method="POST", path="/notifications", message=NotifyMany, to="notifications", status=202, access=Access.ADMIN,
        tag="notification", summary="Notify the named people, or everybody, as a job", rate="write",
        creates=lambda job_id: ShowAcceptedJob(job_id=job_id), body_limit_bytes=MANY_BYTES,
        example={"to": "all", "type": "system", "title": "Maintenance tonight", "body": "From 23:00 to 23:10 UTC."},
    ),
    Operation(
        method="GET", path="/notifications/jobs/{job_id}", message=GetJob, to="notification_job", key=job_of,
        access=Access.ADMIN, tag="notification", summary="A job's progress", errors=("not_found",),
    ),
    Operation(
        method="PUT", path="/notifications/{notification_id}/read", message=ReadNotification, to="inbox",
        key=own_inbox, status=204, tag="notification", summary="Mark an entry as read", rate="write",
        rpc="notification.read", errors=("not_found",),
    ),
    Operation(
        method="DELETE", path="/notifications/{notification_id}", message=DeleteNotification, to="inbox",
        key=own_inbox, status=204, tag="notification", summary="Remove an entry", rate="write",
        rpc="notification.delete", errors=("not_found",),
    ),
]  # fmt: skip
