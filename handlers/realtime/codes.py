"""The closed list of codes that a client of the realtime interface can see.

Refused   a command is answered with an error; the connection lives on
Ended     the connection is closed; codes from 3500 up tell the client not to come back
"""

from typing import NamedTuple

from actors.errors import STATUS, DomainError, RateLimited, TimedOut, Unavailable


class Refused(Exception):  # noqa: N818 - an answer to the client, not a fault of the house
    """The command that is being handled is answered with this error."""

    def __init__(self, code: int, message: str, *, temporary: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.temporary = temporary


class Close(NamedTuple):
    """Why a connection ends. ``reason`` is plain words, never JSON: clients show it as it is."""

    code: int
    reason: str


class Ended(Exception):  # noqa: N818 - an answer to the client, not a fault of the house
    """The connection whose command is being handled is closed."""

    def __init__(self, close: Close) -> None:
        super().__init__(close.reason)
        self.close = close


INTERNAL = 100
UNAUTHORIZED = 101
UNKNOWN_CHANNEL = 102
PERMISSION_DENIED = 103
METHOD_NOT_FOUND = 104
ALREADY_SUBSCRIBED = 105
LIMIT_EXCEEDED = 106
BAD_COMMAND = 107
NOT_AVAILABLE = 108
TOKEN_EXPIRED = 109
TOO_MANY_REQUESTS = 111
UNRECOVERABLE_POSITION = 112
DOMAIN = 1000
"""``rpc`` answers a `DomainError` with this plus its HTTP status."""

MEMBERSHIP_LOST = Close(2000, "no longer a member")
CHANNEL_ENDED = Close(2000, "the channel has ended")
"""Of ``unsubscribe`` pushes: these two, whose code tells clients not to subscribe again by themselves."""

TOO_BIG = Close(1009, "frame too big")
CLOSED = Close(3000, "closed")
SHUTDOWN = Close(3001, "shutdown")
INTERNAL_ERROR = Close(3004, "internal error")
EXPIRED = Close(3005, "connection expired")
SLOW = Close(3008, "slow reader")
INSUFFICIENT_STATE = Close(3010, "insufficient state")
NO_PONG = Close(3012, "no pong")
FLOOD = Close(3013, "too many requests")
INVALID_TOKEN = Close(3500, "invalid token")
BAD_REQUEST = Close(3501, "bad request")
STALE = Close(3502, "stale")
CONNECTION_LIMIT = Close(3504, "connection limit")
CHANNEL_LIMIT = Close(3505, "channel limit")


def from_domain(error: DomainError) -> Refused:
    """Return what ``rpc`` answers for an error of the domain: 1000 + HTTP status and ``code: detail``."""
    temporary = isinstance(error, RateLimited | Unavailable | TimedOut)
    message = f"{error.code}: {error.detail}" if error.detail else error.code
    return Refused(DOMAIN + STATUS[error.code], message, temporary=temporary)
