"""E-mail: an SMTP server takes a digest per person, and the mails that carry one-time tokens."""

import ssl
from collections.abc import Callable
from email.message import EmailMessage
from typing import Final

import aiosmtplib
from aiosmtplib import (
    SMTPConnectError,
    SMTPDataError,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
)

from actors.messages.notification import Channel
from actors.outgoing import mail
from actors.outgoing.account_mail import open_mail
from actors.outgoing.port import Deferred, Parcel, Reach, Recipient, Rejected
from actors.outgoing.seal import Seal, Unreadable
from actors.outgoing.settings import EmailSettings
from actors.runtime.ports import Clock
from storage.outgoing import OutgoingStore

_LETTERS: Final = {"password_reset": mail.password_reset, "verify_email": mail.verify_email}
_SERVICE_CLOSING = 421


class EmailBook:
    """Addresses of accounts. Implements `actors.outgoing.port.AddressBook`."""

    def __init__(self, store: OutgoingStore) -> None:
        self._store = store

    async def reach(self, recipient: Recipient) -> Reach:
        """The account's address: any for a one-time token, which proves it; else one that was proved."""
        row = await self._store.get_recipient(recipient.user_id)
        if row is None or row["email"] is None:
            return Reach("", [], "no e-mail address")
        if recipient.type in _LETTERS or (row["is_verified"] and row["is_active"]):
            return Reach(row["username"], [row["email"]])
        return Reach("", [], "the account is blocked" if row["is_verified"] else "the e-mail address was not verified")

    async def forget(self, user_id: str, address: str) -> None:
        """An account's address is its owner's to change."""


class SmtpSender:
    """Implements `actors.outgoing.port.Sender`. A connection for each mail: digests are few."""

    channel: Final[Channel] = "email"

    def __init__(
        self, settings: EmailSettings, seal: Seal, clock: Clock, *, tls: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        """``tls`` makes the context of encrypted connections; None: the system's authorities are trusted."""
        self._settings = settings
        self._seal = seal
        self._clock = clock
        self._tls = (tls or ssl.create_default_context)() if settings.tls != "none" else None

    async def send(self, parcel: Parcel) -> None:
        """Write the mail and hand it to the server. Raises: see `actors.outgoing.port`."""
        message = mail.compose(self._letter(parcel), parcel, self._settings, self._clock.now())
        try:
            await self._hand_over(message, parcel.address)
        except SMTPRecipientsRefused as error:
            raise verdict(error.recipients[0]) from error
        except (SMTPRecipientRefused, SMTPDataError) as error:
            raise verdict(error) from error
        except (SMTPNotSupported, UnicodeError) as error:
            if parcel.address.isascii():
                raise
            raise Rejected("the mail server takes no such addresses") from error

    def _letter(self, parcel: Parcel) -> mail.Letter:
        first = parcel.entries[0]
        if first.sealed is None:
            return mail.digest(parcel, self._settings)
        try:
            token = open_mail(self._seal, first.sealed, first.id)
        except Unreadable as error:
            raise Rejected(str(error)) from error
        if first.type == "verify_email" and token.address != parcel.address:
            raise Rejected("the account has another e-mail address by now")
        return _LETTERS[first.type](parcel, token, self._settings)

    async def _hand_over(self, message: EmailMessage, address: str) -> None:
        settings = self._settings
        await aiosmtplib.send(
            message,
            recipients=[address],
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=settings.password or None,
            local_hostname=mail.domain(settings),  # asking the machine for its name may block
            use_tls=settings.tls == "tls",
            start_tls=settings.tls == "starttls",
            tls_context=self._tls,
            timeout=settings.timeout_seconds,
        )


def verdict(error: SMTPRecipientRefused | SMTPDataError) -> Exception:
    """What a refusal of this one mail means: 5xx never, 4xx later, 421 that the server itself is in trouble."""
    said = f"{error.code} {error.message}"
    if error.code == _SERVICE_CLOSING:
        return SMTPConnectError(said)
    return Rejected(said) if error.code >= 500 else Deferred(said)
