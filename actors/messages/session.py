"""What is said to and by sessions: logging in and out, rotating tokens, telling what a token stands for."""

from typing import Annotated, Any, Literal

import msgspec

from actors.messages.fields import Id, Limit, Page
from actors.messages.user import Role, User
from actors.runtime.message import Aware, Command, Event, Query, Secret

Token = Annotated[Secret, msgspec.Meta(min_length=1, max_length=4_096)]


class SessionTokens(msgspec.Struct, frozen=True, kw_only=True):
    """What logging in gives. ``expires_in`` is seconds until the access token ends."""

    user: User
    access_token: Secret
    refresh_token: Secret
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: int


class LogIn(Command[SessionTokens], frozen=True, kw_only=True):
    """Open a session. ``login`` is a username or an e-mail address, whatever its case.

    Unauthorized in the same words and time for an unknown login and a wrong password; Forbidden when blocked.
    """

    login: Annotated[str, msgspec.Meta(min_length=1, max_length=254)]
    password: Annotated[Secret, msgspec.Meta(min_length=1, max_length=1_024)]


class Refresh(Command[SessionTokens], frozen=True, kw_only=True):
    """Exchange a refresh token for new tokens, once. A second use ends the session: one of the two was a thief."""

    refresh_token: Token


class LogOut(Command[None], frozen=True, kw_only=True):
    """End the caller's session."""


class VerifyToken(Query["TokenStanding"], frozen=True, kw_only=True):
    """What does this access token or API key stand for now?"""

    token: Token


class TokenStanding(msgspec.Struct, frozen=True):
    """``active`` false: the token is worth nothing, and the rest is None. ``expires_at`` None: it does not end."""

    active: bool
    user_id: str | None = None
    role: Role | None = None
    expires_at: Aware | None = None


class GetKeySet(Query["KeySet"], frozen=True, kw_only=True):
    """The public keys that verify access tokens."""


class KeySet(msgspec.Struct, frozen=True):
    """A JSON Web Key Set (RFC 7517); empty while tokens are signed with a shared secret."""

    keys: list[dict[str, Any]]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One living session. ``current`` marks the one that asks."""

    id: str
    created_at: Aware
    last_seen_at: Aware
    address: str
    user_agent: str
    current: bool


class ListSessions(Query[Page[Session]], frozen=True, kw_only=True):
    """The caller's living sessions, newest first."""

    limit: Limit = 20
    cursor: str | None = None


class EndSession(Command[None], frozen=True, kw_only=True):
    """End one of the caller's sessions."""

    session_id: Id


class SessionOpened(Event, frozen=True, kw_only=True, tag="session.opened"):
    """Somebody has logged in."""

    session_id: str
    user_id: str
    address: str
    user_agent: str


class SessionEnded(Event, frozen=True, kw_only=True, tag="session.ended"):
    """A session has ended: its tokens and sockets with it. ``reason`` is logout, ended or reuse."""

    session_id: str
    user_id: str
    reason: str
