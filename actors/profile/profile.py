"""What a person says of themselves. Owned: this actor alone writes the profile's row, after registration made it.

Its stream is ``profile:<user id>``. Each event holds the whole of it, so the first one needs nothing before it.
"""

from collections.abc import Sequence

import msgspec

from actors.errors import NotFound
from actors.messages.profile import About, ChangeAbout, ProfileChanged
from actors.runtime.actor import Decision, Entity, Snapshot, Turn, handles
from actors.runtime.message import Event
from storage import queries
from storage.profile import ProfileStore
from storage.write import Write

Q = queries.load("profile")
_NAMES = ("display_name", "bio", "tags")


class ProfileOwner(Entity[About]):
    """See the module."""

    kind = "profile"

    def __init__(self, store: ProfileStore) -> None:
        self._store = store

    async def load(self, key: str) -> Snapshot[About] | None:
        """Read the row; None when there is no such person (any more)."""
        row = await self._store.get_about(key)
        if row is None:
            return None
        about = About(display_name=row["display_name"], bio=row["bio"], tags=tuple(row["tags"]))
        return Snapshot(about, row["n"])

    def apply(self, state: About | None, event: Event) -> About | None:
        """A change tells all."""
        return event.about if isinstance(event, ProfileChanged) else state

    def save(self, key: str, state: About | None, n: int) -> Sequence[Write]:
        """The profile's row, unless it went with its account."""
        if state is None:
            return []
        tags = msgspec.json.encode(state.tags).decode()
        row = (key, n, state.display_name, state.bio, tags)
        return [Write(Q.save_about, row, expect=1, otherwise=NotFound("no such person"))]

    @handles
    def change(self, state: About | None, message: ChangeAbout, turn: Turn) -> About | Decision[About]:
        """Change what is named. A tag that is named twice counts once."""
        if state is None:
            raise NotFound("no such person")
        named = {name: value for name in _NAMES if (value := getattr(message, name)) is not msgspec.UNSET}
        if "tags" in named:
            named["tags"] = tuple(dict.fromkeys(named["tags"]))
        changed = msgspec.structs.replace(state, **named)
        if changed == state:
            return state
        return Decision(reply=changed, events=[ProfileChanged(at=turn.now, about=changed)])
