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
    """A decision's part that mails a token to an address; empty where no mail is sent."""

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

    def password_reset_by_email(self, email: str, now: datetime) -> Proof:
        """Decide the same, and a mail with it, for whoever has this address.

        The first write gives a row if somebody has it; ``after`` is to be called only then.
        """
        token, expires_at = new_secret(), now + self._reset_lifetime
        write = Write(Q.insert_token_by_email, (digest(token), email, expires_at))
        return self._mailed(write, Mail(email, "password_reset", token, expires_at), now)

    def email_proof(self, user: User, now: datetime) -> Proof:
        """Decide a token that proves ``user.email``."""
        if self._mailer is None or user.email is None:
            return Proof()
        token, expires_at = new_secret(), now + self._verify_lifetime
        row = (digest(token), user.id, "verify_email", user.email, expires_at)
        mail = Mail(user.email, "verify_email", token, expires_at, user.id)
        return self._mailed(Write(Q.insert_token, row), mail, now)

    def _mailed(self, write: Write, mail: Mail, now: datetime) -> Proof:
        mailer = self._mailer
        if mailer is None:
            return Proof([write])
        return Proof([write, mailer.keep(mail, now)], lambda: mailer.post(mail))
