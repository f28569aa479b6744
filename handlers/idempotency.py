"""Idempotency keys: the same key and body take effect once, and answer with the object as it is now."""

import hmac
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from actors.errors import Conflict, DomainError, InvalidRequest, TimedOut, Unavailable, Unprocessable
from actors.runtime.actor import Idempotency
from actors.runtime.message import Caller
from actors.runtime.ports import DuplicateTurn
from handlers.decoding import Parts

T = TypeVar("T")

ANYBODY = "anonymous"
"""The owner of keys that came without a token."""

_KEY = re.compile(r"^[\x21-\x7e]{1,200}$")
_canonical = msgspec.json.Encoder(order="deterministic").encode


class IdempotencyRecords(Protocol):
    """What was made under which key; written by the journal in the transaction that made it."""

    async def find(self, caller: str, route: str, key: str) -> tuple[bytes, str] | None:
        """Return the HMAC of the body and the id of what was made. ``caller`` is a user id or ``anonymous``.

        Raises ``ConnectionError`` when nobody can tell now.
        """
        ...


class Replay(NamedTuple):
    """The request took effect before, and made this."""

    object_id: str


class Once:
    """Lets a keyed request take effect once. ``secret`` keys the HMAC: stored rows tell nothing about bodies."""

    def __init__(self, records: IdempotencyRecords, secret: bytes) -> None:
        self._records = records
        self._secret = secret
        self._running: set[tuple[str, str, str]] = set()

    async def perform(
        self, caller: Caller, route: str, key: str, parts: Parts, ask: Callable[[Idempotency], Awaitable[T]]
    ) -> T | Replay:
        """Ask unless the key is known.

        Raises:
            InvalidRequest: the key is not 1 to 200 visible characters.
            Conflict: the same key is running in this process.
            Unprocessable: the key came before with another body.
            Unavailable: nobody can look the key up; nothing was asked.
        """
        if not _KEY.match(key):
            raise InvalidRequest("Idempotency-Key must be 1 to 200 visible ASCII characters", "$.idempotency_key")
        owner = caller.user_id or ANYBODY
        promise = Idempotency(route, key, hmac.digest(self._secret, _canonical(parts), "sha256"))
        with self._alone((owner, route, key)):
            if replay := await self._find(owner, promise):
                return replay
            try:
                return await ask(promise)
            except (Unavailable, TimedOut):
                raise  # nothing was changed, or looking it up has been tried: to wait longer helps nobody
            except (DomainError, DuplicateTurn) as error:
                # Another house may have won the unique row, or a commit whose answer was lost is being repeated.
                if replay := await self._find(owner, promise):
                    return replay
                if isinstance(error, DuplicateTurn):
                    raise Conflict("this request is being performed elsewhere", retry_after=1) from error
                raise

    async def _find(self, owner: str, promise: Idempotency) -> Replay | None:
        try:
            found = await self._records.find(owner, promise.route, promise.key)
        except ConnectionError as error:
            raise Unavailable from error
        if found is None:
            return None
        body_hmac, object_id = found
        if not hmac.compare_digest(body_hmac, promise.body_hmac):
            raise Unprocessable("this Idempotency-Key came before with another body")
        return Replay(object_id)

    @contextmanager
    def _alone(self, slot: tuple[str, str, str]) -> Iterator[None]:
        if slot in self._running:
            raise Conflict("a request with this Idempotency-Key is still running", retry_after=1)
        self._running.add(slot)
        try:
            yield
        finally:
            self._running.discard(slot)
