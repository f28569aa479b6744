"""Accounts, and what proves that somebody is their owner."""

from datetime import datetime

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("account")
C = queries.load("credential")


class AccountStore:
    """Reads; writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_account(self, user_id: str) -> Record | None:
        """The account's row with ``n``, the number of its last event."""
        return await self._database.fetchrow(Q.get_account, user_id)

    async def list_accounts(
        self, *, q: str | None, role: str | None, status: str | None, before: str | None, limit: int
    ) -> list[Record]:
        """Accounts, newest first; ``before`` is the id of the last one seen, ``q`` a part of username or e-mail."""
        pattern = None if q is None else f"%{_escape(q.lower())}%"
        return await self._database.fetch(Q.list_accounts, pattern, role, status, before, limit)

    async def get_super_admin(self) -> str | None:
        """The id of the first active super_admin."""
        user_id: str | None = await self._database.fetchval(Q.get_super_admin)
        return user_id

    async def get_credential(self, login: str) -> Record | None:
        """Account and ``password_hash`` by username or e-mail address, whatever their case."""
        return await self._database.fetchrow(C.get_credential, login)

    async def get_credential_by_id(self, user_id: str) -> Record | None:
        """Account and ``password_hash`` by id."""
        return await self._database.fetchrow(C.get_credential_by_id, user_id)

    async def get_token(self, digest: bytes, purpose: str, now: datetime) -> Record | None:
        """``user_id`` and ``email`` of a one-time token that is still good."""
        return await self._database.fetchrow(C.get_token, digest, purpose, now)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
