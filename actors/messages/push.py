"""What is said to and by subscriptions to Web Push: the browsers that a person wants to be told in."""

from typing import Annotated

import msgspec

from actors.messages.fields import Id, Limit, Page
from actors.messages.user import Text
from actors.runtime.message import Aware, Command, Query, Secret

Endpoint = Annotated[str, msgspec.Meta(pattern=r"^https?://[\x21-\x7e]+(?![\s\S])", max_length=2_000)]
"""The address at the browser's push service that stands for this browser. Whoever knows it could write to it."""
PublicKey = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_+/-]{87}=?(?![\s\S])", max_length=88)]
AuthSecret = Annotated[Secret, msgspec.Meta(pattern=r"^[A-Za-z0-9_+/-]{22}(==)?(?![\s\S])", max_length=24)]


class PushKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a browser's ``PushSubscription`` calls ``keys``, in base64url: its public key, and a secret of both."""

    p256dh: PublicKey
    auth: AuthSecret


class PushSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription without its keys."""

    id: str
    endpoint: str
    name: str
    created_at: Aware


class PushSubscribed(msgspec.Struct, frozen=True):
    """The subscription, and whether it is a new one of this person's."""

    subscription: PushSubscription
    is_new: bool


class PushKey(msgspec.Struct, frozen=True):
    """The house's public key (VAPID): what a browser takes as ``applicationServerKey``, in base64url."""

    public_key: str


class SubscribePush(Command[PushSubscribed], frozen=True, kw_only=True):
    """Tell the caller through this browser, too. The same endpoint again renews: the new keys are taken."""

    endpoint: Endpoint
    keys: PushKeys
    name: Annotated[Text, msgspec.Meta(max_length=100)] = ""


class ListPushSubscriptions(Query[Page[PushSubscription]], frozen=True, kw_only=True):
    """The caller's subscriptions, newest first."""

    limit: Limit = 20
    cursor: str | None = None


class UnsubscribePush(Command[None], frozen=True, kw_only=True):
    """End one of the caller's subscriptions."""

    push_id: Id


class ForgetPush(Command[None], frozen=True, kw_only=True):
    """The push service knows the subscription no longer. Said by the house; again is a no-op."""

    push_id: Id
    user_id: Id


class GetPushKey(Query[PushKey], frozen=True, kw_only=True):
    """The key that browsers subscribe with."""
