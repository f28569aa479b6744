"""A person's inbox: takes notices, asks the preferences, tells the person's channel.

Owned: this actor alone writes the inbox's row and its entries. Its stream is ``user:<id>``, the realtime channel of
the same name. Marks (read, deleted) are writes without events.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from actors.errors import InvalidRequest, NotFound
from actors.messages.chat import ChatInvited, MessageArrived
from actors.messages.notification import (
    ChangePreferences,
    Channel,
    DeleteNotification,
    GetPreferences,
    Notice,
    Notification,
    NotificationCreated,
    Preferences,
    PreferencesChanged,
    ReadAllNotifications,
    ReadNotification,
    TakeNotices,
    TaskChange,
    TaskChanged,
    TypePreference,
)
from actors.notification.newest import Newest
from actors.notification.outbox import Outbox
from actors.notification.quiet import after_quiet, is_quiet, known_zone
from actors.runtime.actor import Decision, Entity, Snapshot, Turn, handles
from actors.runtime.ids import uuid7
from actors.runtime.message import Event
from storage import queries
from storage.notification import NotificationStore
from storage.write import Write

Q = queries.load("notification")
DEFAULT_CHANNELS: tuple[Channel, ...] = ("inbox", "realtime")
MOST_TYPES = 100


class Inbox(Entity[Preferences]):
    """See the module. The state is the preferences; entries are read from their rows."""

    kind = "inbox"

    def __init__(self, store: NotificationStore, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox
        self._newest = Newest()

    async def load(self, key: str) -> Snapshot[Preferences] | None:
        """Read the preferences; None until the inbox's first event.

        Raises:
            NotFound: there is no such person (any more). The stream of one who was may still have events.
        """
        row = await self._store.get_inbox(key)
        if row is None:
            raise NotFound("no such user")
        if row["n"] == 0:
            return None
        return Snapshot(msgspec.json.decode(row["preferences"], type=Preferences), row["n"])

    def stream(self, key: str) -> str:
        """The person's realtime channel."""
        return f"user:{key}"

    def apply(self, state: Preferences | None, event: Event) -> Preferences:
        """Only a change of preferences changes the state."""
        if isinstance(event, PreferencesChanged):
            return event.preferences
        return state or Preferences()

    def save(self, key: str, state: Preferences | None, n: int) -> Sequence[Write]:
        """The inbox's row."""
        return [Write(Q.save_inbox, (key, n, msgspec.json.encode(state or Preferences()).decode()), constraints=GONE)]

    @handles
    async def take(self, state: Preferences | None, message: TakeNotices, turn: Turn) -> int | Decision[int]:
        """Sort the new notices into entries and events, in their order."""
        notices = {notice.source: notice for notice in message.notices}
        taken = await self._store.list_taken(message.user_id, list(notices))
        fresh = [notice for source, notice in notices.items() if source not in taken]
        if not fresh:
            return 0
        sorter = Sorter(state or Preferences(), turn.now, message.user_id, self._outbox, self._newest)
        for notice in fresh:
            sorter.add(notice)
        return Decision(
            reply=len(fresh), events=sorter.events, causes=sorter.causes, writes=sorter.writes,
            after=self._outbox.wake if sorter.has_posted else None,
        )  # fmt: skip

    @handles
    def preferences(self, state: Preferences | None, message: GetPreferences, turn: Turn) -> Preferences:
        """The preferences as they are, and those that hold for types which the person has not named."""
        del message, turn
        return self._shown(state or Preferences())

    @handles
    def change_preferences(
        self, state: Preferences | None, message: ChangePreferences, turn: Turn
    ) -> Decision[Preferences]:
        """Change what is named."""
        now = state or Preferences()
        types = now.types if message.types is msgspec.UNSET else {**now.types, **message.types}
        if len(types) > MOST_TYPES:
            raise InvalidRequest(f"preferences for more than {MOST_TYPES} types", path="$.types")
        quiet = now.quiet_hours if message.quiet_hours is msgspec.UNSET else message.quiet_hours
        if quiet is not None:
            known_zone(quiet.time_zone)
        changed = Preferences(types=types, quiet_hours=quiet)
        return Decision(reply=self._shown(changed), events=[PreferencesChanged(at=turn.now, preferences=changed)])

    @handles
    def read(self, state: Preferences | None, message: ReadNotification, turn: Turn) -> Decision[None]:
        """Mark an entry as read; the first mark stays."""
        del state
        row = (message.notification_id, turn.caller.user_id, turn.now)
        return Decision(writes=[Write(Q.update_read, row, expect=1, otherwise=NotFound("no such notification"))])

    @handles
    def read_all(self, state: Preferences | None, message: ReadAllNotifications, turn: Turn) -> Decision[None]:
        """Mark every entry as read."""
        del state, message
        return Decision(writes=[Write(Q.update_all_read, (turn.caller.user_id, turn.now))])

    @handles
    def delete(self, state: Preferences | None, message: DeleteNotification, turn: Turn) -> Decision[None]:
        """Remove an entry."""
        del state
        row = (message.notification_id, turn.caller.user_id, turn.now)
        return Decision(
            writes=[Write(Q.delete_notification, row, expect=1, otherwise=NotFound("no such notification"))]
        )

    def _shown(self, preferences: Preferences) -> Preferences:
        defaults = {type_: TypePreference(list(channels)) for type_, channels in self._outbox.defaults.items()}
        return msgspec.structs.replace(preferences, types={**defaults, **preferences.types})


GONE = {
    "inbox_user_id_fkey": NotFound("no such user"),
    "notification_user_id_fkey": NotFound("no such user"),
    "outgoing_user_id_fkey": NotFound("no such user"),
}


class Sorter:
    """Sorts notices by preference into entries (rows) and what the person's channel hears (events)."""

    def __init__(self, preferences: Preferences, now: datetime, user_id: str, outbox: Outbox, newest: Newest) -> None:
        self.events: list[Event] = []
        self.causes: list[str] = []
        self.writes: list[Any] = []
        self._preferences = preferences
        self._now = now
        self._user_id = user_id
        self._quiet = is_quiet(preferences.quiet_hours, now)
        self._outbox = outbox
        self._newest = newest
        self.has_posted = False

    def add(self, notice: Notice) -> None:
        """Sort one. A change is told, unless a later one was: it keeps screens true and interrupts nobody."""
        if notice.change is not None and self._is_news(notice):
            self._tell(notice, _event(notice.change, self._now))
        if not notice.type:
            return
        channels = self._channels(notice)
        entry = Notification(
            id=uuid7(), type=notice.type, title=notice.title, body=notice.body, data=notice.data,
            priority=notice.priority, created_at=self._now,
        )  # fmt: skip
        if "inbox" in channels:
            self.writes.append(Write(Q.insert_notification, self._row(entry, notice.source), constraints=GONE))
        if "realtime" in channels and (notice.priority == "critical" or not self._quiet):
            self._tell(notice, NotificationCreated(at=self._now, notification=entry))
        self._post(entry, notice.source, channels)
        self._now += timedelta.resolution  # lists go by time, and keep the order of what came at once

    def _post(self, entry: Notification, source: str, channels: Sequence[Channel]) -> None:
        """Let it leave the house. Quiet hours hold it back, unless it is critical."""
        not_before = partial(after_quiet, self._preferences.quiet_hours)
        posted = self._outbox.post(self._user_id, entry, source=source, channels=channels, not_before=not_before)
        self.writes += [write._replace(constraints=GONE) for write in posted]
        self.has_posted = self.has_posted or bool(posted)

    def _is_news(self, notice: Notice) -> bool:
        return not isinstance(notice.change, TaskChange) or self._newest.is_news(notice.source)

    def _tell(self, notice: Notice, event: Event) -> None:
        self.events.append(event)
        self.causes.append(notice.source)

    def _channels(self, notice: Notice) -> Sequence[Channel]:
        """Where it goes: as the person prefers, but nowhere that the sender does not ask for."""
        preference = self._preferences.types.get(notice.type)
        if preference is None:
            usual = self._outbox.defaults.get(notice.type, DEFAULT_CHANNELS)
            return usual if notice.channels is None else notice.channels
        return [one for one in preference.channels if notice.channels is None or one in notice.channels]

    def _row(self, entry: Notification, source: str) -> tuple[Any, ...]:
        data = msgspec.json.encode(entry.data).decode()
        return (
            entry.id, self._user_id, source, entry.type, entry.title, entry.body, data, entry.priority,
            entry.created_at,
        )  # fmt: skip


def _event(change: TaskChange | ChatInvited | MessageArrived, now: datetime) -> Event:
    if isinstance(change, TaskChange):
        return TaskChanged(at=now, task_id=change.task_id, status=change.status)
    return change
