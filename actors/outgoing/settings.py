"""What can be set about what leaves the house: sections ``[outgoing]`` and ``[email]``."""

from typing import Annotated, Literal

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class OutgoingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Attempts and pauses of every channel."""

    attempts: Count = 8
    """Then a parcel is dead, until an administrator tries it again."""
    retry_seconds: Annotated[list[Seconds], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [60.0, 300.0, 1_800.0, 7_200.0, 21_600.0]
    )
    """After the first failed attempt, the second ...; the last one stays. Up to a quarter more, by chance."""
    send_seconds: Seconds = 30.0
    lease_seconds: Seconds = 120.0
    """After this a parcel whose house has died is taken by another."""
    poll_seconds: Seconds = 5.0
    breaker_failures: Count = 5
    breaker_seconds: Seconds = 30.0
    """The first pause; each one that follows without a success is twice as long, up to ten minutes."""

    def __post_init__(self) -> None:
        """Check what no single key can know."""
        if self.lease_seconds < 2 * self.send_seconds:
            raise ValueError("lease_seconds must be at least twice send_seconds: else two houses send the same")


class EmailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server that takes the house's mail. No ``host``: no mail."""

    host: str = ""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: Annotated[str, msgspec.Meta(extra={"secret": True})] = ""
    sender: str = ""
    """From: of every mail, as ``name@example.org`` or ``Posthouse <name@example.org>``."""
    timeout_seconds: Seconds = 20.0
    """For each step of the conversation; all of it takes at most ``[outgoing] send_seconds``."""
    digest_minutes: Annotated[float, msgspec.Meta(ge=0)] = 15.0
    password_reset_link: str = ""
    """Address of the page that takes a reset token, with ``{token}`` in it; empty: the mail shows the token itself."""
    verify_email_link: str = ""
    preferences_link: str = ""

    def __post_init__(self) -> None:
        """Check what no single key can know."""
        if self.host and "@" not in self.sender:
            raise ValueError("sender must be an e-mail address when host is set")
        if self.host and self.username and self.tls == "none":
            raise ValueError('username with tls = "none" would send the password in clear')
        for name in ("password_reset_link", "verify_email_link"):
            link = getattr(self, name)
            if link and "{token}" not in link:
                raise ValueError(f"{name} must have {{token}} in it")
