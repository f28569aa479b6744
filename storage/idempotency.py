"""Idempotency keys: what a request with a key has made."""

from datetime import datetime
from typing import NamedTuple

from storage import queries
from storage.postgres import Database
from storage.write import Write

Q = queries.load("idempotency")
_BATCH = 1_000
_LOOK_UP_SECONDS = 3.0  # comes on top of what the request itself may take


class Made(NamedTuple):
    """What a key stands for."""

    body_hmac: bytes
    object_id: str | None
    at: datetime


def insert_idempotency(
    caller: str, route: str, key: str, body_hmac: bytes, object_id: str | None, at: datetime, taken: Exception
) -> Write:
    """Return the write that takes a key, for the turn that makes the object; ``taken`` answers if it is not free."""
    args = (caller, route, key, body_hmac, object_id, at)
    return Write(Q.insert_idempotency, args, constraints={"idempotency_pkey": taken})


class IdempotencyStore:
    """Looks keys up and forgets them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get_idempotency(self, caller: str, route: str, key: str) -> Made | None:
        """Return what the key has made, or None when it is free."""
        row = await self._db.fetchrow(Q.get_idempotency, caller, route, key, timeout_seconds=_LOOK_UP_SECONDS)
        return Made(*row) if row is not None else None

    async def delete_idempotency(self, before: datetime) -> int:
        """Forget keys taken before a moment (24 h ago); return how many."""
        deleted = 0
        while (count := await self._db.execute(Q.delete_idempotency, before, _BATCH)) > 0:
            deleted += count
        return deleted
