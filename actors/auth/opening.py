"""How a session begins: its row and first refresh token, its event, and the tokens that its owner gets."""

from typing import NamedTuple

from actors.auth.secrets import digest, new_secret
from actors.auth.settings import AuthSettings
from actors.auth.tokens import AccessTokens
from actors.errors import Unauthorized
from actors.messages.session import SessionOpened, SessionTokens
from actors.messages.user import User
from actors.runtime.actor import Opened, Turn
from actors.runtime.ids import uuid7
from storage import queries
from storage.write import Write

Q = queries.load("session")
_USER_AGENT_LIMIT = 500


class Opening(NamedTuple):
    """A session's part of a decision."""

    reply: SessionTokens
    opened: Opened
    write: Write


class Doorkeeper:
    """Opens sessions for those whose password has been checked, and hands out tokens."""

    def __init__(self, tokens: AccessTokens, settings: AuthSettings) -> None:
        self._tokens = tokens
        self.refresh_lifetime = settings.refresh_lifetime

    def open(self, user: User, password_hash: str, turn: Turn) -> Opening:
        """Decide a new session. It comes to be only if ``password_hash`` is still the account's, and that is active."""
        session_id, refresh_token = uuid7(), new_secret()
        address, user_agent = turn.caller.address, _readable(turn.caller.user_agent)
        event = SessionOpened(
            at=turn.now, session_id=session_id, user_id=user.id, address=address, user_agent=user_agent
        )
        row = (
            session_id, user.id, password_hash, address, user_agent, digest(refresh_token), turn.now,
            turn.now + self.refresh_lifetime,
        )  # fmt: skip
        return Opening(
            reply=self.tokens(user, session_id, refresh_token, turn),
            opened=Opened(f"session:{session_id}", event),
            write=Write(Q.insert_session, row, expect=1, otherwise=Unauthorized("the account has just changed")),
        )

    def tokens(self, user: User, session_id: str, refresh_token: str, turn: Turn) -> SessionTokens:
        """Make the answer that carries a session's tokens."""
        return SessionTokens(
            user=user,
            access_token=self._tokens.issue(user.id, session_id, turn.now),
            refresh_token=refresh_token,
            expires_in=self._tokens.lifetime_seconds,
        )


def _readable(header: str) -> str:
    """Bytes of a header that are no UTF-8 arrive as lone surrogates, which can be stored nowhere."""
    return header.encode(errors="replace").decode()[:_USER_AGENT_LIMIT]
