"""The port through which accounts send mail."""

from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from storage.write import Write


class Mail(NamedTuple):
    """One mail to write; whoever sends it chooses the words. ``token`` must not be logged."""

    address: str
    purpose: Literal["password_reset", "verify_email"]
    token: str
    expires_at: datetime
    user_id: str | None = None  # None: for whoever has the address, if anybody has


class Mailer(Protocol):
    """Sends mail."""

    def keep(self, mail: Mail, now: datetime) -> Write:
        """The write that keeps a mail until it is sent: part of the turn that makes its token.

        Nobody can read the token there. The mail goes to the account's address as it is when it is sent.
        """
        ...

    def post(self, mail: Mail) -> None:
        """Send it soon: its turn is committed. Must not block or raise."""
        ...
