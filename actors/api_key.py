"""API keys: a service makes and lists them; each is then owned by an actor of its own, which ends it."""

from datetime import UTC, datetime
from typing import NamedTuple

from actors.auth.secrets import digest, new_secret
from actors.auth.verification import write_api_key
from actors.cursors import decode_cursor, page_of
from actors.errors import Conflict, Forbidden, InvalidRequest, NotFound
from actors.messages.api_key import (
    ApiKey,
    ApiKeyCreated,
    ApiKeyDeleted,
    CreateApiKey,
    DeleteApiKey,
    ListApiKeys,
    NewApiKey,
    ReplayApiKey,
)
from actors.messages.fields import Id, Page
from actors.runtime.actor import Decision, Entity, Opened, Service, Snapshot, Turn, handles
from actors.runtime.ids import uuid7
from actors.runtime.message import Caller, Event
from storage import queries
from storage.api_key import ApiKeyStore
from storage.postgres import Record
from storage.write import Write

Q = queries.load("api_key")


class ApiKeys(Service):
    """Makes and lists keys; once made, each is owned by an actor of its own."""

    kind = "api_keys"

    def __init__(self, store: ApiKeyStore, most: int) -> None:
        """``most`` keys are what one person may have."""
        self._store = store
        self._most = most

    @handles
    def create(self, message: CreateApiKey, turn: Turn) -> Decision[NewApiKey]:
        """Make a key for the caller, with no more than the caller may do."""
        user_id = turn.caller.user_id or ""
        _check_scopes(message, turn.caller)
        expires_at = _end(message, turn.now)
        scopes = tuple(dict.fromkeys(message.scopes))
        key = ApiKey(id=uuid7(), name=message.name, scopes=scopes, created_at=turn.now, expires_at=expires_at)
        secret = new_secret()
        row = (key.id, user_id, key.name, ",".join(scopes), digest(secret), key.created_at, key.expires_at, self._most)
        too_many = Conflict(f"nobody may have more than {self._most} API keys: end one first")
        return Decision(
            reply=NewApiKey(
                id=key.id, name=key.name, scopes=scopes, created_at=key.created_at, expires_at=key.expires_at,
                key=write_api_key(key.id, secret),
            ),
            opens=[Opened(f"api_key:{key.id}", ApiKeyCreated(at=turn.now, user_id=user_id, api_key=key))],
            writes=[Write(Q.insert_api_key, row, expect=1, otherwise=too_many)],
            made=key.id,
        )  # fmt: skip

    @handles
    def replay(self, message: ReplayApiKey, turn: Turn) -> NewApiKey:
        """The secret was told once and is not stored."""
        del turn
        raise Conflict("this key was made before, and its secret is not stored", id=message.api_key_id)

    @handles
    async def list_keys(self, message: ListApiKeys, turn: Turn) -> Page[ApiKey]:
        """A page of the caller's keys, newest first."""
        before = decode_cursor(message.cursor, Id)
        rows = await self._store.list_api_keys(turn.caller.user_id or "", before, message.limit + 1)
        return page_of(rows, message.limit, _api_key, lambda row: row["id"])


class ApiKeyState(NamedTuple):
    """The key's row without the hash of its secret."""

    user_id: str
    api_key: ApiKey


class ApiKeyOwner(Entity[ApiKeyState]):
    """Owns the key's row and its stream ``api_key:<id>``."""

    kind = "api_key"

    def __init__(self, store: ApiKeyStore) -> None:
        self._store = store

    async def load(self, key: str) -> Snapshot[ApiKeyState] | None:
        """Read the key's row."""
        row = await self._store.get_api_key(key)
        return None if row is None else Snapshot(ApiKeyState(row["user_id"], _api_key(row)), row["n"])

    def apply(self, state: ApiKeyState | None, event: Event) -> ApiKeyState | None:
        """A key is made and ends; it never changes."""
        del state
        return ApiKeyState(event.user_id, event.api_key) if isinstance(event, ApiKeyCreated) else None

    def save(self, key: str, state: ApiKeyState | None, n: int) -> list[Write]:
        """Every event beyond the first removes the row."""
        del state, n
        return [Write(Q.delete_api_key, (key,))]

    @handles
    def delete(self, state: ApiKeyState | None, message: DeleteApiKey, turn: Turn) -> Decision[None]:
        """End the caller's key. NotFound for those of others."""
        if state is None or state.user_id != turn.caller.user_id:
            raise NotFound("no such API key")
        event = ApiKeyDeleted(at=turn.now, user_id=state.user_id, api_key_id=message.api_key_id)
        return Decision(events=[event])


def _check_scopes(message: CreateApiKey, caller: Caller) -> None:
    if "worker" in message.scopes and not caller.is_admin:
        raise Forbidden("only an administrator makes keys with the scope `worker`")
    if caller.api_key_id is not None and not caller.scopes.issuperset(message.scopes):
        raise Forbidden("an API key makes no key that may do more than itself")


def _end(message: CreateApiKey, now: datetime) -> datetime | None:
    if message.expires_at is None:
        return None
    try:
        ends = message.expires_at.astimezone(UTC)
    except OverflowError:  # the last hours of the year 9999 to the west of Greenwich
        raise InvalidRequest("lies beyond all calendars", "$.expires_at") from None
    if ends <= now:
        raise InvalidRequest("lies in the past", "$.expires_at")
    return ends


def _api_key(row: Record) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        scopes=tuple(row["scopes"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )
