"""What tokens stand for, for other services to ask."""

from datetime import UTC, datetime
from typing import cast

from actors.auth.keys import KeyRing
from actors.auth.verification import Verifier
from actors.errors import Forbidden, Unauthorized
from actors.messages.session import GetKeySet, KeySet, TokenStanding, VerifyToken
from actors.messages.user import Role
from actors.runtime.actor import Service, Turn, handles


class TokenDesk(Service):
    """Verifies tokens for others, and tells the public keys with which they can do so themselves."""

    kind = "tokens"

    def __init__(self, verifier: Verifier, keys: KeyRing) -> None:
        self._verifier = verifier
        self._keys = keys

    @handles
    async def verify(self, message: VerifyToken, turn: Turn) -> TokenStanding:
        """Why a token is not active is nobody's business but its owner's."""
        del turn
        try:
            caller, expires_at = await self._verifier.verify(message.token)
        except (Unauthorized, Forbidden):
            return TokenStanding(active=False)
        ends = None if expires_at == float("inf") else datetime.fromtimestamp(expires_at, UTC)
        return TokenStanding(active=True, user_id=caller.user_id, role=cast(Role, caller.role), expires_at=ends)

    @handles
    def get_key_set(self, message: GetKeySet, turn: Turn) -> KeySet:
        """The public halves of the keys that verify."""
        del message
        return KeySet(self._keys.public(turn.now))
