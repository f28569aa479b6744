"""Hands text messages to the provider that the configuration describes."""

import re
from functools import partial
from urllib.parse import quote, quote_plus

from aiohttp import ClientError, ClientSession
from yarl import URL

from actors.messages.notification import Channel
from actors.outgoing.port import Deferred, Parcel, Reach, Recipient, Rejected
from actors.outgoing.retry_after import read_retry_after
from actors.outgoing.sms.settings import FORM, SmsSettings
from actors.outgoing.sms.template import Template, escape_header, escape_json
from actors.runtime.ports import Clock
from storage.sms import SmsStore

_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_TRY_LATER = {408, 425, 429}
_OUR_TROUBLE = {401, 402, 407}  # a wrong token, an account without money: no message is to blame


class SmsBook:
    """Implements `AddressBook`: the phone number of the account, if it can be called from anywhere."""

    def __init__(self, store: SmsStore, country_code: str) -> None:
        self._store = store
        self._country_code = country_code

    async def reach(self, recipient: Recipient) -> Reach:
        """The one number, or none."""
        row = await self._store.get_phone(recipient.user_id)
        if row is None:
            return Reach("", (), "no such person")
        if not row["is_active"]:
            return Reach(row["username"], (), "the account is blocked")
        if row["phone"] is None:
            return Reach(row["username"], (), "no phone number")
        number = normalise(row["phone"], self._country_code)
        return Reach(row["username"], () if number is None else (number,), "no international phone number")

    async def forget(self, user_id: str, address: str) -> None:
        """Nothing: a phone number is a person's own to change."""


class SmsSender:
    """Implements `Sender`."""

    channel: Channel = "sms"

    def __init__(self, settings: SmsSettings, session: ClientSession, clock: Clock) -> None:
        self._settings = settings
        self._session = session
        self._clock = clock
        self._headers = {name: Template(value) for name, value in settings.headers.items()}
        self._headers.setdefault("Content-Type", Template(settings.content_type))
        self._url = Template(settings.url)
        self._body = Template(settings.body)
        self._escape = quote_plus if settings.content_type == FORM else escape_json

    async def send(self, parcel: Parcel) -> None:
        """Ask the provider to send it. Of what it answers only the status counts, and is told."""
        values = {
            "to": parcel.address,
            "text": shorten(parcel, self._settings.text_chars),
            "id": parcel.id,
            "token": self._settings.token,
        }
        try:
            async with self._session.request(
                self._settings.method,
                URL(self._url.fill(values, partial(quote, safe="")), encoded=True),
                data=self._body.fill(values, self._escape).encode() or None,
                headers={name: template.fill(values, escape_header) for name, template in self._headers.items()},
                allow_redirects=False,
            ) as answer:
                status, retry_after = answer.status, answer.headers.get("Retry-After")
        except (ClientError, OSError) as error:  # whose text may quote the address
            raise ConnectionError(f"the SMS provider did not answer: {type(error).__name__}") from None
        self._judge(status, retry_after)

    def _judge(self, status: int, retry_after: str | None) -> None:
        if status in self._settings.success or (not self._settings.success and 200 <= status < 300):
            return
        said = f"the SMS provider answered {status}"
        if status in _TRY_LATER:
            raise Deferred(said, after_seconds=read_retry_after(retry_after, self._clock.now()))
        if 400 <= status < 500 and status not in _OUR_TROUBLE:
            raise Rejected(said)
        raise ConnectionError(said)


def normalise(phone: str, country_code: str) -> str | None:
    """Return a number in the form +<country><number> (E.164), or None where its country is not known."""
    digits = re.sub(r"[ ()-]", "", phone)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    elif country_code and not digits.startswith("+"):
        digits = country_code + digits.removeprefix("0")
    return digits if _INTERNATIONAL.match(digits) else None


def shorten(parcel: Parcel, most_chars: int) -> str:
    """Title and body on one line, cut to so many characters."""
    entry = parcel.entries[0]
    text = " ".join(f"{entry.title}: {entry.body}".split()) if entry.body else " ".join(entry.title.split())
    return text if len(text) <= most_chars else f"{text[: most_chars - 1]}…"
