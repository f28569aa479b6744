"""What is said to and by API keys."""

from typing import Annotated, Literal

import msgspec

from actors.messages.fields import Id, Limit, Page
from actors.messages.user import Text
from actors.runtime.message import Aware, Command, Event, Query, Secret

Scope = Literal["read", "write", "worker"]
Scopes = Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=3)]


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key without its secret."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: Aware
    expires_at: Aware | None = None


class NewApiKey(ApiKey, frozen=True, kw_only=True):
    """An API key right after it was made: ``key`` is shown this once."""

    key: Secret


class CreateApiKey(Command[NewApiKey], frozen=True, kw_only=True):
    """Make a key for the caller. Scope ``worker`` leases everybody's tasks: only an administrator's key may have it."""

    name: Annotated[Text, msgspec.Meta(min_length=1, max_length=100)]
    scopes: Scopes
    expires_at: Aware | None = None


class ReplayApiKey(Command[NewApiKey], frozen=True, kw_only=True):
    """A creation came again under its idempotency key: Conflict with the key's id, for its secret is not stored."""

    api_key_id: Id


class ListApiKeys(Query[Page[ApiKey]], frozen=True, kw_only=True):
    """The caller's keys, newest first."""

    limit: Limit = 20
    cursor: str | None = None


class DeleteApiKey(Command[None], frozen=True, kw_only=True):
    """End one of the caller's keys."""

    api_key_id: Id


class ApiKeyCreated(Event, frozen=True, kw_only=True, tag="api_key.created"):
    """Somebody has made a key."""

    user_id: str
    api_key: ApiKey


class ApiKeyDeleted(Event, frozen=True, kw_only=True, tag="api_key.deleted"):
    """A key is worth nothing any more."""

    user_id: str
    api_key_id: str
