"""The notifier: an inbox per person, jobs that notify many, and the rules that turn events into notices."""

from actors.notification.inbox import Inbox
from actors.notification.job import NotificationJobs
from actors.notification.notices import HEARD, NOTICES, deliver_notices
from actors.notification.notifications import Notifications

__all__ = ["HEARD", "NOTICES", "Inbox", "NotificationJobs", "Notifications", "deliver_notices"]
