"""What can be set about Web Push: section ``[push]``."""

import re
from typing import Annotated

import msgspec

_SUBJECT = re.compile(r"(mailto:[^\s@]+@[^\s@]+|https://\S+)\Z")


class PushSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Web Push needs no account anywhere: the house makes its own key, and each browser names its push service."""

    enabled: bool = True
    subject: str = ""
    """Whom a push service may turn to: a ``mailto:`` or ``https:`` address."""
    ttl_seconds: Annotated[int, msgspec.Meta(ge=1, le=2_419_200)] = 86_400
    """Never 0, at which the push service of Windows refuses; 28 days are the most that others take."""
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    concurrency: Annotated[int, msgspec.Meta(ge=1)] = 16
    max_per_person: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 20
    allow_private: bool = False

    def __post_init__(self) -> None:
        """Check what no single key can know."""
        if self.subject and not _SUBJECT.match(self.subject):
            raise ValueError('subject must be "mailto:name@example.org" or "https://example.org/contact"')
