"""What the edges ask of the house; `app` injects the real ones."""

from asyncio import Future
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from actors.errors import Unauthorized
from actors.runtime.message import Caller


class Identity(msgspec.Struct, frozen=True):
    """A verified token: whom it stands for and until when."""

    caller: Caller
    expires_at: float  # seconds since 1970


class TokenExpired(Unauthorized):
    """The token was good once: fetch a new one and come back."""


class Revocation(NamedTuple):
    """Whose tokens and sockets end now."""

    user_id: str
    session_id: str | None = None  # only this session; None: all of the user's
    except_session_id: str | None = None  # with session_id None: all sessions but this one; API keys stay
    api_key_id: str | None = None  # only this API key


class Identities(Protocol):
    """Turns tokens (JWT or API key) into callers. Verified tokens are cached until they expire or are revoked."""

    def known(self, token: str) -> Identity | None:
        """The cached identity, without I/O; None when `verify` is needed."""
        ...

    async def verify(self, token: str) -> Identity:
        """Verify and cache. Raises `TokenExpired`, `Unauthorized`, `Forbidden` (blocked), `Unavailable`."""
        ...

    def on_revoked(self, listener: Callable[[Revocation], None]) -> None:
        """Call ``listener`` at once for every revocation, after the cache has dropped what it names."""
        ...


class Publication(NamedTuple):
    """One publication of a recoverable channel: ``offset`` is the event's n, ``data`` its JSON."""

    offset: int
    data: bytes


class Position(NamedTuple):
    """Where a channel's stream stands."""

    offset: int
    epoch: str


class Streams(Protocol):
    """The event table as realtime sees it: each recoverable channel is exactly one stream of the same name."""

    async def position(self, channel: str) -> Position:
        """The head of the stream; offset 0 when nothing happened yet."""
        ...

    async def offsets(self, channels: Sequence[str]) -> Mapping[str, int]:
        """The heads of many streams at once; those where nothing happened yet may be missing."""
        ...

    async def read(self, channel: str, after: int, limit: int, *, reverse: bool = False) -> Sequence[Publication]:
        """Publications with offset > ``after`` in order (``reverse``: newest first, offset < ``after`` where given)."""
        ...


class ClientInfo(msgspec.Struct, frozen=True):
    """Who is in a channel, as others in it see them."""

    user: str
    client: str


class Neighbours(Protocol):
    """The other houses, where there may be some. What is told them is heard by those who listen at this moment.

    At most once: who listens compares offsets now and then, and reads what is missing from the event table.
    """

    def listen(self, channel: str) -> "Future[None]":
        """Hear of a channel. Once the future is done, everything that is told is heard, or is made up for later."""
        ...

    def leave(self, channel: str) -> None:
        """Hear of a channel no more."""
        ...

    def tell(self, channel: str, publications: Sequence[tuple[int, bytes]]) -> None:
        """Tell (offset, JSON), offset 0 for what cannot be recovered."""
        ...

    def take_away(self, channel: str, user_id: str | None, code: int, reason: str) -> None:
        """Tell that a user (None: everybody) loses a channel: before anything that is told of it later."""
        ...

    def enter(self, channel: str, info: ClientInfo) -> None:
        """Somebody here has subscribed."""
        ...

    def go(self, channel: str, info: ClientInfo) -> None:
        """Somebody here is subscribed no longer."""
        ...

    def is_watched(self, channel: str) -> bool:
        """Whether anybody listened in other houses a moment ago; known for ``system:`` channels."""
        ...

    async def present(self, channel: str) -> Sequence[ClientInfo]:
        """Who is subscribed in other houses, as far as is known: nobody when that cannot be found out now."""
        ...


class Permits(Protocol):
    """Who may see a channel."""

    async def may_subscribe(self, caller: Caller, channel: str) -> bool:
        """False for what is not allowed and for what does not exist alike."""
        ...


class Prepared(Protocol):
    """An operation that was read, and may be performed. Nothing of it has happened yet."""

    @property
    def actor(self) -> tuple[str, str] | None:
        """Kind and key of the entity that it is for, which takes one thing after the other; None: there is no order."""
        ...

    def begin(self) -> "Future[Any]":
        """Begin, once; what is begun first reaches its actor first. The future raises `DomainError`, `ConnectionError`.

        Nobody has to wait for it: what has begun goes on to its end.
        """
        ...

    def encode(self, reply: Any) -> bytes:
        """Return the answer as JSON; ``reply`` is what the future held."""
        ...


class Performs(Protocol):
    """Operations by their rpc name: the same validation, rules and answers as HTTP."""

    def prepare(self, method: str, data: bytes, caller: Caller, path: Mapping[str, str] | None = None) -> Prepared:
        """Read an operation. Raises `DomainError`; `KeyError` for an unknown method.

        ``data`` is the JSON of the HTTP body plus the path's parameters by name plus ``idempotency_key?``; where
        ``path`` has these parameters, it is the HTTP body alone, and is read once.
        """
        ...
