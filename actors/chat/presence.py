"""Who is here now, and who was: what the views of chats ask of the house's sockets."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol


class Presence(Protocol):
    """People by id. Whoever has a socket anywhere in the house is online."""

    async def online(self, user_ids: Collection[str]) -> set[str]:
        """Those who are here now."""
        ...

    async def last_seen(self, user_ids: Collection[str]) -> dict[str, datetime]:
        """When each of those who have been here was here last; who has never been is left out."""
        ...
