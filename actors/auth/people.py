"""What rows say of people."""

import msgspec

from actors.messages.user import User
from storage.postgres import Record

_FIELDS = tuple(field.name for field in msgspec.structs.fields(User))


def user_of(row: Record) -> User:
    """Make a user from a row that has its columns among others."""
    return User(**{name: row[name] for name in _FIELDS})
