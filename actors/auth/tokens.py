"""Access tokens: signed statements (JWT) of who has which session, good for a quarter of an hour.

Role and status are not in them: these are looked up with the session, so that a change counts at once.
"""

from datetime import datetime

import jwt
import msgspec
from jwt.types import Options

from actors.auth.keys import KeyRing
from actors.auth.settings import AuthSettings
from actors.errors import Unauthorized
from actors.messages.fields import Id

_CLAIMS = ["sub", "user_id", "sid", "aud", "iss", "typ", "exp", "iat"]
_OPTIONS: Options = {"require": _CLAIMS, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
TYPE = "access"


class TokenEnded(Unauthorized):
    """The token was good once: fetch a new one."""


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What an access token states. Times are seconds since 1970."""

    sub: str
    user_id: Id
    sid: Id
    aud: str
    iss: str
    typ: str
    exp: int
    iat: int


class AccessTokens:
    """Issues and reads access tokens. The time is given, not taken: one clock rules all."""

    def __init__(self, keys: KeyRing, settings: AuthSettings) -> None:
        self.keys = keys
        self._issuer = settings.issuer
        self._audience = settings.audience
        self.lifetime_seconds = settings.access_token_seconds

    def issue(self, user_id: str, session_id: str, now: datetime) -> str:
        """Sign a new token."""
        at = int(now.timestamp())
        claims = {
            "sub": user_id, "user_id": user_id, "sid": session_id, "aud": self._audience, "iss": self._issuer,
            "typ": TYPE, "iat": at, "exp": at + self.lifetime_seconds,
        }  # fmt: skip
        key = self.keys.current
        return jwt.encode(claims, key.signing, key.algorithm, {"kid": key.kid})

    def read(self, token: str, now: datetime) -> Claims:
        """Check signature and claims; nothing is known yet of the session.

        The header only names a key of ours; that key alone says by which algorithm it may be used.

        Raises:
            TokenEnded: it was good once.
            Unauthorized: it is not one of ours.
        """
        try:
            key = self.keys.find(jwt.get_unverified_header(token).get("kid"), now)
            if key is None:
                raise Unauthorized("not a valid token")
            payload = jwt.decode(
                token, key.verifying, [key.algorithm], _OPTIONS, audience=self._audience, issuer=self._issuer
            )
            claims = msgspec.convert(payload, Claims)
        except (jwt.PyJWTError, msgspec.ValidationError, UnicodeError) as error:
            raise Unauthorized("not a valid token") from error
        if claims.typ != TYPE or claims.sub != claims.user_id:
            raise Unauthorized("not a valid token")
        if claims.exp <= now.timestamp():
            raise TokenEnded("the token has ended")
        return claims
