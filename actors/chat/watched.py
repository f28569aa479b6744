"""Chats that everybody watches, so that of what is said there nobody needs to be told."""

from actors.chat.talk import Talk

MOST = 10_000
"""Chats that are remembered; those that were found out first are asked for again first."""


class Watched:
    """Remembers what the rows have said, for as long as nobody can have come in: that leaves a message of the house.

    So a chat counts as watched while its messages follow each other without a gap and as many watch as have watched.
    Who watches is a member: those who leave are no longer among them.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int]] = {}  # seq of the last message, how many watched

    def is_sure(self, talk: Talk, watching: int) -> bool:
        """Whether everybody watches who could be told of this talk. If not, the rows may still say so: `note` it."""
        last, watched = self._known.pop(talk.chat_id, (0, 0))
        if not watched or watching < watched or not talk.follows(last):
            return False
        self._known[talk.chat_id] = talk.newest, watched
        return True

    def note(self, talk: Talk, watching: int) -> None:
        """The rows say that those who watch are all there are."""
        if len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[talk.chat_id] = talk.newest, watching
