"""Subscriptions to Web Push on the wire."""

from actors.messages.push import (
    GetPushKey,
    ListPushSubscriptions,
    PushSubscribed,
    PushSubscription,
    SubscribePush,
    UnsubscribePush,
)
from handlers.operation import Operation

_TAG = "push"
_PATH = "/notifications/push-subscriptions"
_EXAMPLE = {
    "endpoint": "https://push.example.net/v2/gAAAAABk",
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
    "name": "Firefox on the desk",
}


def show_subscribed(reply: PushSubscribed) -> tuple[int, PushSubscription]:
    """201 for a new one, 200 for one that was renewed."""
    return 201 if reply.is_new else 200, reply.subscription


OPERATIONS = [
    Operation(
        method="GET", path="/notifications/push-key", message=GetPushKey, to="push", tag=_TAG,
        summary="The key that browsers subscribe with", errors=("not_found",),
    ),
    Operation(
        method="POST", path=_PATH, message=SubscribePush, to="push", tag=_TAG, status=201, reply=PushSubscription,
        present=show_subscribed, rate="write",
        summary="Tell me through this browser, too; the same endpoint again renews (200), and needs no Idempotency-Key",
        errors=("not_found", "conflict"), example=_EXAMPLE,
    ),
    Operation(
        method="GET", path=_PATH, message=ListPushSubscriptions, to="push", tag=_TAG,
        summary="My subscriptions, newest first", errors=("invalid_request",),
    ),
    Operation(
        method="DELETE", path=_PATH + "/{push_id}", message=UnsubscribePush, to="push", tag=_TAG, status=204,
        rate="write", summary="End a subscription", errors=("not_found",),
    ),
]  # fmt: skip
