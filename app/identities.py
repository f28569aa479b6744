"""Tokens that have been verified, remembered until they end or are revoked (`handlers.ports.Identities`)."""

import math
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence

import msgspec

from actors.auth.tokens import TokenEnded
from actors.auth.verification import Verifier
from actors.errors import Unavailable
from actors.runtime.ports import Clock, Stored
from handlers.ports import Identity, Revocation, TokenExpired


class _Told(msgspec.Struct):
    """The part of a revoking event's body that says whom it concerns."""

    user_id: str
    session_id: str | None = None
    except_session_id: str | None = None
    api_key_id: str | None = None


_decode = msgspec.json.Decoder(_Told).decode

_ENDS = frozenset({"session.ended", "account.sessions_ended", "account.blocked", "account.deleted", "api_key.deleted"})
"""Events after which tokens are worth nothing: listeners (open sockets) are told."""

_CHANGES = frozenset({"account.role_changed", "account.unblocked"})
"""Events after which tokens stand for something else: they are verified anew at their next use."""


class Identities:
    """See the module. Feed it every event of this house (`publish`), and those of others as they are heard.

    A verification that was under way when a revocation came is done again, so that what was read before it is
    never remembered after it. Beyond ``capacity`` the token that was not used for longest is forgotten.
    """

    def __init__(self, verifier: Verifier, clock: Clock, capacity: int) -> None:
        self._verifier = verifier
        self._clock = clock
        self._capacity = capacity
        self._known: OrderedDict[str, tuple[Identity, float]] = OrderedDict()  # and its end on the monotonic clock
        self._tokens_of: defaultdict[str, set[str]] = defaultdict(set)  # user id -> tokens
        self._deaf_at = math.inf  # on the monotonic clock
        self._listeners: list[Callable[[Revocation], None]] = []
        self._watching: dict[object, set[str]] = {}  # per verification under way: who changed meanwhile

    def known(self, token: str) -> Identity | None:
        """The remembered identity; None when `verify` is needed."""
        found, now = self._known.get(token), self._clock.monotonic()
        if found is None or found[1] <= now or now >= self._deaf_at:
            return None
        self._known.move_to_end(token)
        return found[0]

    async def verify(self, token: str) -> Identity:
        """Verify and remember. Raises `TokenExpired`, `Unauthorized`, `Forbidden` (blocked), `Unavailable`."""
        if self._clock.monotonic() >= self._deaf_at:
            raise Unavailable("other houses have not been heard for too long to trust any token")
        while True:
            mark, changed = object(), set[str]()
            self._watching[mark] = changed
            try:
                standing = await self._verifier.verify(token)
            except TokenEnded as error:
                raise TokenExpired(error.detail) from None
            except ConnectionError as error:
                raise Unavailable from error
            finally:
                del self._watching[mark]
            if standing.caller.user_id not in changed:
                identity = Identity(standing.caller, standing.expires_at)
                self._remember(token, identity)
                return identity

    def trust_until(self, moment: float) -> None:
        """Refuse every token from a moment of the monotonic clock on: by then other houses must be heard again."""
        self._deaf_at = moment

    def on_revoked(self, listener: Callable[[Revocation], None]) -> None:
        """Call ``listener`` for every revocation, after what it names has been forgotten."""
        self._listeners.append(listener)

    def publish(self, events: Sequence[Stored]) -> None:
        """Hear of events right after COMMIT (`actors.runtime.ports.Publisher`)."""
        for event in events:
            if event.type in _ENDS:
                told = _decode(event.body)
                self._forget(told.user_id)
                for listener in self._listeners:
                    listener(Revocation(*msgspec.structs.astuple(told)))
            elif event.type in _CHANGES:
                self._forget(_decode(event.body).user_id)

    def _remember(self, token: str, identity: Identity) -> None:
        clock = self._clock
        left = identity.expires_at - clock.now().timestamp()
        self._known[token] = identity, clock.monotonic() + left
        self._tokens_of[identity.caller.user_id or ""].add(token)
        if len(self._known) > self._capacity:
            oldest, (evicted, _) = self._known.popitem(last=False)
            self._drop(evicted.caller.user_id or "", oldest)

    def _drop(self, user_id: str, token: str) -> None:
        tokens = self._tokens_of[user_id]
        tokens.discard(token)
        if not tokens:
            del self._tokens_of[user_id]

    def _forget(self, user_id: str) -> None:
        """All of a person's tokens: those that still stand for something are verified again."""
        for changed in self._watching.values():
            changed.add(user_id)
        for token in self._tokens_of.pop(user_id, ()):
            self._known.pop(token, None)
