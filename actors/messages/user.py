"""How a person looks on the wire, and the types of what they say of themselves."""

from typing import Annotated, Literal

import msgspec

from actors.runtime.message import Aware

Role = Literal["user", "vip", "admin", "super_admin"]
Status = Literal["active", "blocked"]

# Python's `$` also matches before a final newline; `(?![\s\S])` is the end alone, in every dialect.
Username = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{3,50}(?![\s\S])", min_length=3, max_length=50)]
Email = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}(?![\s\S])",
        max_length=254,
        extra_json_schema={"format": "email"},
    ),
]
Phone = Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9][0-9 ()-]{3,30}(?![\s\S])", max_length=32)]
Text = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]*(?![\s\S])")]
"""One line: no control characters."""


class PublicUser(msgspec.Struct, frozen=True, kw_only=True):
    """What strangers see of an account."""

    id: str
    username: str
    avatar: str | None = None
    courier_level: int | None = None


class User(msgspec.Struct, frozen=True, kw_only=True):
    """An account as its owner and administrators see it. ``courier_level`` is None or 1 to 4."""

    id: str
    username: str
    email: str | None = None
    phone: str | None = None
    avatar: str | None = None
    role: Role = "user"
    status: Status = "active"
    courier_level: int | None = None
    created_at: Aware

    def public(self) -> PublicUser:
        """Leave out what is not for strangers."""
        return PublicUser(id=self.id, username=self.username, avatar=self.avatar, courier_level=self.courier_level)
