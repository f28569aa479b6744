"""What administrators may see and do of what leaves the house."""

from collections.abc import Callable

from msgspec.structs import replace

from actors.cursors import decode_cursor, page_of
from actors.errors import Conflict, NotFound
from actors.messages.fields import Id, Page
from actors.messages.outgoing import DeleteOutgoing, ListOutgoing, OutgoingView, RetryOutgoing
from actors.runtime.actor import Decision, Service, Turn, handles
from storage import queries
from storage.outgoing import OutgoingStore
from storage.write import Write

Q = queries.load("outgoing")


class OutgoingDesk(Service):
    """Lists, tries again, forgets. Content and addresses stay where they are."""

    kind = "outgoing"

    def __init__(self, store: OutgoingStore, wake: Callable[[], None]) -> None:
        self._store = store
        self._wake = wake

    @handles
    async def list_outgoing(self, message: ListOutgoing, turn: Turn) -> Page[OutgoingView]:
        """A page, newest first."""
        del turn
        before = decode_cursor(message.cursor, Id)
        rows = await self._store.list_outgoing(
            state=message.state, channel=message.channel, user_id=message.user_id, before=before,
            limit=message.limit + 1,
        )  # fmt: skip
        return page_of(rows, message.limit, lambda row: OutgoingView(**row), lambda row: row["id"])

    @handles
    async def retry(self, message: RetryOutgoing, turn: Turn) -> Decision[OutgoingView]:
        """Only what has not gone out; what is being tried right now is a conflict, as it may be any moment."""
        row = await self._store.get_outgoing(message.outgoing_id)
        if row is None:
            raise NotFound("no such thing leaves the house")
        seen = OutgoingView(**row)
        if seen.state not in {"dead", "waiting"}:
            raise Conflict(f"it is {seen.state}", **{"from": seen.state, "to": "waiting"})
        busy = Conflict("it is being sent right now, or has just ended")
        write = Write(Q.retry_outgoing, (seen.id, turn.now), expect=1, otherwise=busy)
        fresh = replace(seen, state="waiting", attempts=0, due_at=turn.now, error=None, ended_at=None)
        return Decision(reply=fresh, writes=[write], after=self._wake)

    @handles
    def delete(self, message: DeleteOutgoing, turn: Turn) -> Decision[None]:
        """Forget it."""
        del turn
        missing = NotFound("no such thing leaves the house")
        return Decision(writes=[Write(Q.delete_outgoing, (message.outgoing_id,), expect=1, otherwise=missing)])
