"""What a token stands for now: its signature, then its session or API key, then its account."""

import hmac
import re
from typing import NamedTuple

from msgspec.structs import replace

from actors.auth.secrets import digest
from actors.auth.tokens import AccessTokens, TokenEnded
from actors.errors import Forbidden, Unauthorized
from actors.runtime.message import Caller
from actors.runtime.ports import Clock
from storage.api_key import ApiKeyStore
from storage.postgres import Record
from storage.session import SessionStore

_API_KEY = re.compile(r"ph_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_([\w-]{43})", re.ASCII)


def write_api_key(api_key_id: str, secret: str) -> str:
    """The text that a caller shows: ``ph_<id>_<secret>``."""
    return f"ph_{api_key_id.replace('-', '')}_{secret}"


class Standing(NamedTuple):
    """Whom a token stands for, and until when (seconds since 1970; infinite for an API key without an end)."""

    caller: Caller
    expires_at: float


class Verifier:
    """Verifies tokens against the rows, without remembering anything."""

    def __init__(self, tokens: AccessTokens, sessions: SessionStore, api_keys: ApiKeyStore, clock: Clock) -> None:
        self._tokens = tokens
        self._sessions = sessions
        self._api_keys = api_keys
        self._clock = clock

    async def verify(self, token: str) -> Standing:
        """Return what the token stands for.

        Raises:
            TokenEnded: it was good once.
            Unauthorized: it is not ours, or its session, key or account has ended.
            Forbidden: the account is blocked.
            ConnectionError: the database is gone.
        """
        api_key = _API_KEY.fullmatch(token)
        return await (self._verify_access(token) if api_key is None else self._verify_api_key(api_key))

    async def _verify_access(self, token: str) -> Standing:
        claims = self._tokens.read(token, self._clock.now())
        row = await self._sessions.get_standing(claims.sid)
        if row is None or row["user_id"] != claims.user_id:
            raise Unauthorized("the session has ended")
        _refuse_blocked(row)
        if row["has_ended"]:
            raise Unauthorized("the session has ended")
        caller = Caller(user_id=claims.user_id, role=row["role"], session_id=claims.sid)
        return Standing(caller, claims.exp)

    async def _verify_api_key(self, match: re.Match[str]) -> Standing:
        *parts, secret = match.groups()
        api_key_id = "-".join(parts)
        row = await self._api_keys.get_standing(api_key_id)
        if row is None or not hmac.compare_digest(row["hash"], digest(secret)):
            raise Unauthorized("not a valid API key")
        _refuse_blocked(row)
        expires_at = float("inf") if row["expires_at"] is None else row["expires_at"].timestamp()
        if expires_at <= self._clock.now().timestamp():
            raise TokenEnded("the API key has ended")
        caller = Caller(
            user_id=row["user_id"], role=row["role"], api_key_id=api_key_id, scopes=frozenset(row["scopes"])
        )
        if not caller.is_admin:  # any more: who made the key may have been one
            caller = replace(caller, scopes=caller.scopes - {"worker"})
        return Standing(caller, expires_at)


def _refuse_blocked(row: Record) -> None:
    if row["status"] == "blocked":
        raise Forbidden("the account is blocked")
