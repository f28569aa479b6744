"""Who watches a chat at this moment."""

from handlers.realtime.hub import Hub


class Audience:
    """``hub`` is set once there is one; before that nobody watches anything."""

    hub: Hub | None = None

    def __call__(self, chat_id: str) -> set[str]:
        """Those with a live subscription to the chat's channel, by id."""
        return set() if self.hub is None else self.hub.users(f"chat:{chat_id}")
