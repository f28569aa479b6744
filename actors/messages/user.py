"""How a person looks on the wire, and the types of what they say of themselves."""

from typing import Annotated, Literal

import msgspec

from actors.runtime.message import Aware

Role = Literal["user", "vip", "admin", "super_admin"]
Status = Literal["active", "blocked"]

# Python's `$` also matches before a final newline; `(?![\s\S])` is the end alone, in every dialect.
Username = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{3,50}(?![\s\S])", min_length=3, max_length=50)]
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
Email = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)*{_LABEL}(?![\s\S])",
        max_length=254,
        extra_json_schema={"format": "email"},
    ),
]
"""An address as mail servers take it (RFC 5321, dot-string): ASCII, so that no two addresses that look or fold alike
can belong to two people; an international domain comes in its ``xn--`` form."""
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


class SeenUser(msgspec.Struct, frozen=True, kw_only=True):
    """An account as far as the caller may see it: one of both is there."""

    user: User | None = None
    public: PublicUser | None = None
