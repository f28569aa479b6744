"""One-time tokens that travel by mail, or through an administrator: 256 random bits, hashed at rest, spent once."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from actors.auth.mailer import Mail, Mailer
from actors.auth.secrets import digest, new_secret
from actors.auth.settings import AuthSettings
from actors.errors import InvalidRequest
from actors.messages.user import User
from storage import queries
from storage.write import Write

Q = queries.load("credential")


class Issued(NamedTuple):
    """A token, the write that keeps its hash, and when it ends."""

    token: str
    write: Write
    expires_at: datetime


class Proof(NamedTuple):
    """A decision's part that asks the owner of an address to prove it; empty where no mail is sent."""

    writes: Sequence[Write] = ()
    after: Callable[[], None] | None = None


def spend(spent: bytes, user_id: str) -> Write:
    """The write that makes a token worthless, and refuses the turn when it has been so already."""
    refusal = InvalidRequest("the token is not good, or not any more", "$.token")
    return Write(Q.delete_token, (spent, user_id), expect=1, otherwise=refusal)


class OneTimeTokens:
    """Makes tokens, and mails them. Without a mailer no address is ever verified."""

    def __init__(self, settings: AuthSettings, mailer: Mailer | None) -> None:
        self._reset_lifetime = timedelta(seconds=settings.password_reset_seconds)
        self._verify_lifetime = timedelta(seconds=settings.verify_email_seconds)
        self._mailer = mailer

    def password_reset(self, user_id: str, now: datetime) -> Issued:
        """Decide a token that sets a new password."""
        token, expires_at = new_secret(), now + self._reset_lifetime
        row = (digest(token), user_id, "password_reset", None, expires_at)
        return Issued(token, Write(Q.insert_token, row), expires_at)

    def password_reset_by_email(self, email: str, now: datetime) -> Issued:
        """Decide the same for whoever has this address; the write gives (ord, username, address) if somebody has."""
        token, expires_at = new_secret(), now + self._reset_lifetime
        return Issued(token, Write(Q.insert_token_by_email, (digest(token), email, expires_at)), expires_at)

    def mail_password_reset(self, issued: Issued, username: str, address: str) -> None:
        """Send a reset token, after its turn was committed."""
        if self._mailer is not None:
            self._mailer.post(Mail(address, "password_reset", username, issued.token, issued.expires_at))

    def email_proof(self, user: User, now: datetime) -> Proof:
        """Decide a token that proves ``user.email``."""
        mailer, email = self._mailer, user.email
        if mailer is None or email is None:
            return Proof()
        token, expires_at = new_secret(), now + self._verify_lifetime
        mail = Mail(email, "verify_email", user.username, token, expires_at)
        row = (digest(token), user.id, "verify_email", email, expires_at)
        return Proof([Write(Q.insert_token, row)], lambda: mailer.post(mail))
