"""Mails that carry a one-time token: kept in the turn that makes the token, readable to the house alone.

The token stands in the row encrypted (`actors.outgoing.seal`), so that a copy of the database, a list or a log shows
nobody a token that still is good. Once the mail is sent the row forgets it.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from actors.auth.mailer import Mail
from actors.outgoing.seal import Seal
from actors.runtime.ids import uuid7
from actors.runtime.message import Aware
from storage import queries
from storage.write import Write

Q = queries.load("outgoing")


class TokenMail(msgspec.Struct, frozen=True):
    """What is sealed."""

    token: str
    address: str  # as it was when the token was made
    expires_at: Aware


class AccountMail:
    """Implements `actors.auth.mailer.Mailer` on the rows of channel ``email``."""

    def __init__(self, seal: Seal, wake: Callable[[], None]) -> None:
        self._seal = seal
        self._wake = wake

    def keep(self, mail: Mail, now: datetime) -> Write:
        """The write of its row; of none when the mail is for whoever has an address that nobody has."""
        row_id = uuid7()
        content = msgspec.json.encode(TokenMail(mail.token, mail.address, mail.expires_at))
        sealed = self._seal.close(content, row_id)
        if mail.user_id is None:
            row = (row_id, mail.address, mail.purpose, sealed, now, mail.expires_at)
            return Write(Q.insert_sealed_by_email, row)
        return Write(
            Q.insert_outgoing,
            (row_id, mail.user_id, "email", row_id, None, mail.purpose, "", "", "{}", "critical", sealed, now,
             mail.expires_at, now, None),
        )  # fmt: skip

    def post(self, mail: Mail) -> None:
        """Send it soon."""
        del mail
        self._wake()


def open_mail(seal: Seal, sealed: bytes, row_id: str) -> TokenMail:
    """Read what was kept. Raises `actors.outgoing.seal.Unreadable`."""
    return msgspec.json.decode(seal.open(sealed, row_id), type=TokenMail)
