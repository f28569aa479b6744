"""Who watches a chat at this moment."""

from collections.abc import Sequence

from app.presence import Elsewhere
from handlers.realtime.hub import Hub


class Audience:
    """``hub`` is set once there is one, ``neighbours`` where there may be other houses; before that nobody watches."""

    hub: Hub | None = None
    neighbours: Elsewhere | None = None

    def __call__(self, chat_id: str) -> set[str]:
        """Those with a live subscription to the chat's channel, by id."""
        return set() if self.hub is None else self.hub.users(f"chat:{chat_id}")

    async def elsewhere(self, chat_ids: Sequence[str]) -> dict[str, set[str]]:
        """The same of other houses, as far as they are heard: who is left out is told once more than needed."""
        if self.neighbours is None:
            return {}
        found = await self.neighbours([f"chat:{chat_id}" for chat_id in chat_ids])
        return {chat_id: set(people) for chat_id, people in zip(chat_ids, found, strict=True)}
