"""What can be set about text messages: section ``[sms]``."""

from typing import Annotated, Literal

import msgspec

from actors.outgoing.sms.template import Template

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
_TOLD = frozenset({"to", "text", "id", "token"})


class SmsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a provider is asked; no ``url``: no messages.

    Address, headers and body are templates, with ``{to}``, ``{text}``, ``{id}`` and ``{token}`` where they are wanted.
    """

    url: str = ""
    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: dict[str, str] = {}
    body: str = '{"to": "{to}", "text": "{text}"}'
    """JSON, unless the headers name a form as Content-Type; empty: none."""
    success: list[Annotated[int, msgspec.Meta(ge=100, le=599)]] = []
    """Statuses that mean: taken over. Empty: every 2xx."""
    token: Annotated[str, msgspec.Meta(extra={"secret": True})] = ""
    country_code: Annotated[str, msgspec.Meta(pattern=r"^(\+[1-9][0-9]{0,2})?(?![\s\S])")] = ""
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    text_chars: Annotated[int, msgspec.Meta(ge=1)] = 300
    concurrency: Annotated[int, msgspec.Meta(ge=1)] = 4

    @property
    def content_type(self) -> str:
        """What the body is."""
        named = [value for name, value in self.headers.items() if name.lower() == "content-type"]
        return named[0].partition(";")[0].strip().lower() if named else JSON

    def __post_init__(self) -> None:
        """Check what no single key can know."""
        if self.url and not self.url.startswith(("https://", "http://")):
            raise ValueError("url must begin with https:// (or http://, inside your own network)")
        if self.content_type not in {JSON, FORM}:
            raise ValueError(f"headers: the body can be {JSON} or {FORM}")
        for template in (self.url, self.body, *self.headers.values()):
            if unknown := Template(template).names - _TOLD:
                raise ValueError(f"there is no {{{min(unknown)}}}; there are {{to}}, {{text}}, {{id}}, {{token}}")
        for name, value in self.headers.items():
            if name.lower() == "authorization" and "{token}" not in value:
                raise ValueError("headers: Authorization takes its secret from {token}: set POSTHOUSE_SMS_TOKEN")
