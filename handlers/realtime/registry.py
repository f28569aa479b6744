"""All connections of this house, and whose they are."""

import asyncio
from collections.abc import Callable

from actors.runtime.message import Caller
from handlers.ports import Revocation
from handlers.realtime.codes import CONNECTION_LIMIT, INVALID_TOKEN, SHUTDOWN, Close, Ended
from handlers.realtime.connection import Connection
from handlers.realtime.settings import RealtimeSettings


class Registry:
    """Connections by user, so that a revocation ends the right ones at once."""

    def __init__(self, settings: RealtimeSettings) -> None:
        self._settings = settings
        self._all: set[Connection] = set()
        self._by_user: dict[str, list[Connection]] = {}
        self._listeners: list[Callable[[str], None]] = []

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: Connection) -> None:
        """Count an open socket, whoever it may turn out to be."""
        self._all.add(connection)

    def admit(self, connection: Connection) -> None:
        """Count a connection for its user. Raises `Ended` 3504 for one too many."""
        mine = self._by_user.setdefault(connection.user_id, [])
        self.require_room(connection.user_id, 1)
        mine.append(connection)

    def require_room(self, user_id: str, more: int) -> None:
        """Raise `Ended` 3504 when a user has too many connections, with so many that are not counted here."""
        here = sum(not other.is_closed for other in self._by_user.get(user_id, ()))
        if here + more > self._settings.connections_per_user:
            raise Ended(CONNECTION_LIMIT)

    def is_here(self, user_id: str) -> bool:
        """Whether the user has a connection whose socket is not gone yet."""
        return user_id in self._by_user

    def on_gone(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` with a user's id when the last of their connections is gone. It must not raise."""
        self._listeners.append(listener)

    def remove(self, connection: Connection) -> None:
        """Forget a connection whose socket is gone."""
        self._all.discard(connection)
        mine = self._by_user.get(connection.user_id, [])
        if connection not in mine:
            return
        mine.remove(connection)
        if not mine:
            del self._by_user[connection.user_id]
            for listener in self._listeners:
                listener(connection.user_id)

    def revoke(self, revocation: Revocation) -> None:
        """Close at once, with 3500, what the revocation names."""
        for connection in list(self._by_user.get(revocation.user_id, ())):
            if _is_named(connection.caller, revocation):
                connection.close(INVALID_TOKEN)

    def disconnect(self, user_id: str, session_id: str | None, why: Close) -> None:
        """Close the connections of a user, or of one of their sessions."""
        for connection in list(self._by_user.get(user_id, ())):
            if session_id is None or connection.caller.session_id == session_id:
                connection.close(why)

    async def close_all(self, spread_seconds: float) -> None:
        """Close everything with 3001, evenly over the given time, so that clients do not all return at once."""
        connections = list(self._all)
        for connection in connections:
            connection.close(SHUTDOWN)
            await asyncio.sleep(spread_seconds / len(connections))
        tasks = [connection.task for connection in self._all if connection.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=self._settings.close_seconds + 1)


def _is_named(caller: Caller, revocation: Revocation) -> bool:
    """Whether a revocation of this user's names the token that a connection was opened with."""
    if revocation.api_key_id is not None:
        return caller.api_key_id == revocation.api_key_id
    if revocation.session_id is not None:
        return caller.session_id == revocation.session_id
    if revocation.except_session_id is not None:
        return caller.session_id not in {None, revocation.except_session_id}
    return True
