"""Names of channels: ``kind:key``, each kind with its own form of key."""

import re

from actors.messages.fields import UUID_PATTERN
from handlers.realtime.codes import UNKNOWN_CHANNEL, Refused

_FORMS = {
    "user": re.compile(UUID_PATTERN),
    "task": re.compile(UUID_PATTERN),
    "chat": re.compile(UUID_PATTERN),
    "letter": re.compile(UUID_PATTERN),
    "courier": re.compile("^[A-Z0-9]{1,6}$"),
    "system": re.compile("^(logs|actors)$"),
}
_RECOVERABLE = frozenset({"user", "task", "chat", "letter"})


def kind(channel: str) -> str:
    """Return the kind of a channel. Raises `Refused` 102 for a name that no channel can have."""
    kind, _, key = channel.partition(":")
    form = _FORMS.get(kind)
    if form is None or not form.fullmatch(key):
        raise Refused(UNKNOWN_CHANNEL, "unknown channel")
    return kind


def is_recoverable(channel: str) -> bool:
    """Whether the channel is an event stream, so that what was missed can be read again."""
    return channel.partition(":")[0] in _RECOVERABLE


def of_user(user_id: str) -> str:
    """Return the channel to which the house subscribes every connection of a user."""
    return f"user:{user_id}"
