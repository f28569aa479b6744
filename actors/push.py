"""Subscriptions to Web Push: a person's browsers, told even when no page of ours is open.

Shared rows, changed by conditional statements: an endpoint changes hands when somebody else subscribes in the same
browser, and goes when its push service says that it is gone. No events: nothing is decided by them.
"""

from base64 import urlsafe_b64decode
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from yarl import URL

from actors.cursors import decode_cursor, page_of
from actors.errors import Conflict, InvalidRequest, NotFound
from actors.messages.fields import Id, Page
from actors.messages.push import (
    ForgetPush,
    GetPushKey,
    ListPushSubscriptions,
    PushKey,
    PushSubscribed,
    PushSubscription,
    SubscribePush,
    UnsubscribePush,
)
from actors.public_addresses import is_public
from actors.runtime.actor import Decision, Service, Turn, handles
from actors.runtime.ids import uuid7
from actors.runtime.message import Aware
from storage import queries
from storage.postgres import Record
from storage.push import PushStore
from storage.write import Write

Q = queries.load("push")
_NO_PERSON = {"push_user_id_fkey": NotFound("no such person")}


class PushTerms(NamedTuple):
    """On what terms people subscribe here."""

    public_key: str | None  # None: Web Push is off
    most: int  # subscriptions of one person
    allow_private: bool  # endpoints of this machine and its network, and without TLS


class Pushes(Service):
    """See the module. While Web Push is off nobody subscribes, and what there is can be listed and ended."""

    kind = "push"

    def __init__(self, store: PushStore, terms: PushTerms) -> None:
        self._store = store
        self._terms = terms

    @handles
    def show_key(self, message: GetPushKey, turn: Turn) -> PushKey:
        """The house's public key. Raises `NotFound` when Web Push is off."""
        del message, turn
        return PushKey(self._public_key())

    @handles
    def subscribe(self, message: SubscribePush, turn: Turn) -> Decision[PushSubscribed]:
        """Keep the endpoint with its keys. Beyond the bound, what the person renewed longest ago goes."""
        self._public_key()
        _check_endpoint(message.endpoint, allow_private=self._terms.allow_private)
        row = (
            uuid7(), turn.caller.user_id, message.endpoint, _read_point(message.keys.p256dh),
            _read(message.keys.auth), message.name, turn.now, self._terms.most,
        )  # fmt: skip

        def answer(rows: list[list[Record]]) -> PushSubscribed:
            [[kept]] = rows
            made = PushSubscription(
                id=kept["id"], endpoint=message.endpoint, name=message.name, created_at=kept["created_at"]
            )
            return PushSubscribed(made, kept["is_new"])

        taken = Conflict("somebody else has just subscribed in this browser")
        write = Write(Q.save_push, row, expect=1, otherwise=taken, constraints=_NO_PERSON)
        return Decision(writes=[write], answer=answer)

    @handles
    async def list_subscriptions(self, message: ListPushSubscriptions, turn: Turn) -> Page[PushSubscription]:
        """A page of the caller's, newest first."""
        before = decode_cursor(message.cursor, tuple[Aware, Id])
        rows = await self._store.list_pushes(turn.caller.user_id or "", before, message.limit + 1)
        return page_of(
            rows, message.limit, lambda row: PushSubscription(**row), lambda row: (row["created_at"], row["id"])
        )

    @handles
    def unsubscribe(self, message: UnsubscribePush, turn: Turn) -> Decision[None]:
        """End one of the caller's. NotFound for those of others."""
        row = (message.push_id, turn.caller.user_id)
        return Decision(writes=[Write(Q.delete_push, row, expect=1, otherwise=NotFound("no such subscription"))])

    @handles
    def forget(self, message: ForgetPush, turn: Turn) -> Decision[None]:
        """Drop what the push service knows no longer."""
        del turn
        return Decision(writes=[Write(Q.delete_push, (message.push_id, message.user_id))])

    def _public_key(self) -> str:
        if self._terms.public_key is None:
            raise NotFound("Web Push is off in this house")
        return self._terms.public_key


def _check_endpoint(endpoint: str, *, allow_private: bool) -> None:
    """Refuse what can be seen to lead nowhere; where a name leads is looked at whenever something is sent."""
    try:
        url = URL(endpoint, encoded=True)
        host, is_plain = url.host or "", url.scheme != "https" or url.user is not None or url.password is not None
    except ValueError:
        raise InvalidRequest("is no address", "$.endpoint") from None
    if not host or (is_plain and not allow_private):
        raise InvalidRequest("has to be an https address", "$.endpoint")
    try:
        is_private = not is_public(host)
    except ValueError:  # a name
        is_private = host == "localhost"
    if is_private and not allow_private:
        raise InvalidRequest("is not a public address", "$.endpoint")


def _read(text: str) -> bytes:
    """Decode base64url, and what some clients make of it: the common alphabet, with padding."""
    bare = text.replace("+", "-").replace("/", "_").rstrip("=")
    return urlsafe_b64decode(bare + "=" * (-len(bare) % 4))


def _read_point(text: str) -> bytes:
    point = _read(text)
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError:
        raise InvalidRequest("is no public key of P-256", "$.keys.p256dh") from None
    return point
