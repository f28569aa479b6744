"""API keys on the wire."""

from actors.messages.api_key import CreateApiKey, DeleteApiKey, ListApiKeys, ReplayApiKey
from actors.runtime.message import Caller
from handlers.operation import Operation


def api_key_of(message: DeleteApiKey, caller: Caller) -> str:
    """The key's own actor."""
    del caller
    return message.api_key_id


OPERATIONS = [
    Operation(
        method="POST", path="/api-keys", message=CreateApiKey, to="api_keys", tag="api_key", status=201, rate="write",
        summary="Make a key; it is shown this once", errors=("conflict",),
        replays=lambda _, api_key_id: ReplayApiKey(api_key_id=api_key_id),
        example={"name": "deploy", "scopes": ["read", "write"]},
    ),
    Operation(
        method="GET", path="/api-keys", message=ListApiKeys, to="api_keys", tag="api_key",
        summary="My keys, newest first",
    ),
    Operation(
        method="DELETE", path="/api-keys/{api_key_id}", message=DeleteApiKey, to="api_key", key=api_key_of,
        tag="api_key", status=204, rate="write", summary="End a key", errors=("not_found",),
    ),
]  # fmt: skip
