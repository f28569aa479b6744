"""Writes mails: plain text, and simple HTML of the same content. Nothing in either is taken for markup."""

import html
from collections.abc import Sequence
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import NamedTuple
from urllib.parse import quote

from actors.outgoing.account_mail import TokenMail
from actors.outgoing.port import Entry, Parcel, Rejected
from actors.outgoing.settings import EmailSettings

MOST_ENTRIES = 50
"""Entries that a digest shows; of the others it says how many there are."""
MOST_SUBJECT = 150
MOST_TITLES = 3
MOST_BODY = 600


class Letter(NamedTuple):
    """What a mail says."""

    subject: str
    greeting: str
    paragraphs: Sequence[tuple[str, str]]  # heading and text; either may be empty
    closing: str


def compose(letter: Letter, parcel: Parcel, settings: EmailSettings, now: datetime) -> EmailMessage:
    """Return the whole mail. The same parcel has the same Message-ID at every attempt.

    Raises:
        Rejected: the address cannot stand in a header.
    """
    name, sender = parseaddr(settings.sender)
    mail = EmailMessage()
    try:
        mail["From"] = Address(name, addr_spec=sender)
        mail["To"] = Address(addr_spec=parcel.address)
    except (ValueError, IndexError, MessageError) as error:
        raise Rejected("the address cannot be written to") from error
    mail["Subject"] = cut(one_line(letter.subject), MOST_SUBJECT)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{parcel.id}@{domain(settings)}>"
    mail["Auto-Submitted"] = "auto-generated"
    if settings.preferences_link:
        mail["List-Unsubscribe"] = f"<{settings.preferences_link}>"
    mail.set_content(as_text(letter))
    mail.add_alternative(as_html(letter), subtype="html")
    return mail


def digest(parcel: Parcel, settings: EmailSettings) -> Letter:
    """What somebody has missed."""
    shown = parcel.entries[:MOST_ENTRIES]
    paragraphs = [(one_line(entry.title), cut(entry.body, MOST_BODY)) for entry in shown]
    if len(parcel.entries) > MOST_ENTRIES:
        paragraphs.append(("", f"... and {len(parcel.entries) - MOST_ENTRIES} more."))
    where = settings.preferences_link or "the notification preferences of your account"
    return Letter(
        subject(parcel.entries), f"Hello {parcel.username},", paragraphs,
        f"You get this mail because you were away. What is mailed to you is set here: {where}",
    )  # fmt: skip


def subject(entries: Sequence[Entry]) -> str:
    """One entry's title; of several how many there are, and the first titles: those of messages say from whom."""
    if len(entries) == 1:
        return entries[0].title
    titles = list(dict.fromkeys(one_line(entry.title) for entry in entries))
    more = f" and {len(titles) - MOST_TITLES} more" if len(titles) > MOST_TITLES else ""
    return f"{len(entries)} new notifications: {', '.join(titles[:MOST_TITLES])}{more}"


def password_reset(parcel: Parcel, mail: TokenMail, settings: EmailSettings) -> Letter:
    """How to set a new password."""
    return Letter(
        "Set a new password", f"Hello {parcel.username},",
        [
            ("", "somebody, probably you, wants to set a new password for your account."),
            ("", spend(mail, settings.password_reset_link)),
        ],
        "If it was not you, do nothing: your password stays as it is.",
    )  # fmt: skip


def verify_email(parcel: Parcel, mail: TokenMail, settings: EmailSettings) -> Letter:
    """How to prove an address."""
    return Letter(
        "Confirm your e-mail address", f"Hello {parcel.username},",
        [
            ("", "please confirm that this is your address."),
            ("", spend(mail, settings.verify_email_link)),
        ],
        "If you have no account here, do nothing: somebody has mistyped an address.",
    )  # fmt: skip


def spend(mail: TokenMail, link: str) -> str:
    """What to do with a token, and until when."""
    until = f"{mail.expires_at:%Y-%m-%d %H:%M} UTC"
    if link:
        return f"Open this page by {until}:\n{link.replace('{token}', quote(mail.token, safe=''))}"
    return f"This is your token, good once until {until}:\n{mail.token}"


def domain(settings: EmailSettings) -> str:
    """What mails and greetings to the server are named after."""
    return parseaddr(settings.sender)[1].rpartition("@")[2]


def as_text(letter: Letter) -> str:
    """The plain form."""
    parts = ["\n".join(part for part in paragraph if part) for paragraph in letter.paragraphs]
    return "\n\n".join([letter.greeting, *parts, letter.closing]) + "\n"


def as_html(letter: Letter) -> str:
    """The HTML form; all that was written by people is escaped."""
    parts = [f"<p>{_bold(heading)}{_lines(text)}</p>" for heading, text in letter.paragraphs]
    return "\n".join(
        ["<!doctype html><html><body>", f"<p>{html.escape(letter.greeting)}</p>", *parts,
         f"<p><small>{html.escape(letter.closing)}</small></p>", "</body></html>", ""]
    )  # fmt: skip


def one_line(text: str) -> str:
    """Without line ends and control characters: what goes into a header, or stands on a line of its own."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def cut(text: str, most: int) -> str:
    """At most ``most`` characters; three dots say that there were more."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _bold(heading: str) -> str:
    return f"<b>{html.escape(heading)}</b><br>" if heading else ""


def _lines(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")
