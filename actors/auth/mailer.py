"""The port through which accounts send mail."""

from datetime import datetime
from typing import Literal, NamedTuple, Protocol


class Mail(NamedTuple):
    """One mail to write; whoever sends it chooses the words. ``token`` must not be logged."""

    to: str
    purpose: Literal["password_reset", "verify_email"]
    username: str
    token: str
    expires_at: datetime


class Mailer(Protocol):
    """Sends mail."""

    def post(self, mail: Mail) -> None:
        """Take one mail to send soon, after the turn that wrote it was committed. Must not block or raise."""
        ...
