"""What can be set about chats."""

from typing import Annotated

import msgspec


class ChatSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``[chat]``."""

    max_members: Annotated[int, msgspec.Meta(ge=2, le=100_000)] = 2_000
    """Of one group; nobody more is let in."""
