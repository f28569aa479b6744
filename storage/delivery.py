"""Delivery tasks and scans, as they are read."""

from collections.abc import Sequence
from datetime import datetime

from storage import queries
from storage.postgres import Database, Record
from storage.shared import SharedRead

Q = queries.load("delivery")
FIRST_ID = "00000000-0000-0000-0000-000000000000"
LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"


class DeliveryStore:
    """Reads; writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._envelopes: SharedRead[str] = SharedRead(database, Q.find_envelopes, key="code")
        self._scanned: SharedRead[str] = SharedRead(database, Q.get_scanned, key="letter_id")

    async def get_task(self, task_id: str) -> Record | None:
        """A task with what couriers should know of its letter."""
        return await self._database.fetchrow(Q.get_tasks, [task_id])

    async def list_held(
        self, courier_id: str, status: str | None, before: tuple[datetime, str] | None, limit: int
    ) -> list[Record]:
        """Tasks that somebody holds or has carried last, those that changed last first."""
        at, before_id = before or (None, LAST_ID)
        return await self._database.fetch(Q.list_held, courier_id, status, at, before_id, limit)

    async def list_tasks(
        self, prefixes: Sequence[str] | None, status: str, before: tuple[datetime, str] | None, limit: int
    ) -> list[Record]:
        """Tasks in a territory (None: everywhere), those that changed last first."""
        at, before_id = before or (None, LAST_ID)
        return await self._database.fetch(Q.list_tasks, prefixes, status, at, before_id, limit)

    async def list_near(
        self, prefixes: Sequence[str] | None, place: str, after: tuple[int, datetime, str] | None, limit: int
    ) -> list[Record]:
        """Available tasks in a territory by ``distance`` from a place (0 there, 1 its area, 2 its school), then age."""
        distance, at, after_id = after or (0, None, FIRST_ID)
        return await self._database.fetch(Q.list_near, prefixes, place, distance, at, after_id, limit)

    async def list_history(self, letter_id: str, task_id: str, limit: int = 500) -> list[Record]:
        """``n, type, body, at`` of what has happened to a task, oldest first."""
        return await self._database.fetch(Q.list_history, f"letter:{letter_id}", task_id, limit)

    async def get_scanned(self, letter_id: str) -> Record | None:
        """A letter's task with its own status as ``letter_status``."""
        return await self._scanned.get(letter_id)

    async def find_task(self, task_id: str) -> str | None:
        """The id of a task's letter."""
        found: str | None = await self._database.fetchval(Q.find_task, task_id)
        return found

    async def find_envelope(self, code: str) -> Record | None:
        """``letter_id, label_status`` of what a code on an envelope means; a label may mean no letter (yet)."""
        return await self._envelopes.get(code)

    async def get_scan(self, courier_id: str, client_scan_id: str) -> Record | None:
        """A scan by the name that its phone has given it."""
        return await self._database.fetchrow(Q.get_scan, courier_id, client_scan_id)

    async def list_scans(
        self, courier_id: str | None, letter_id: str | None, before: tuple[datetime, str] | None, limit: int
    ) -> list[Record]:
        """Scans as they were kept, newest first; ``before`` is (at, id) of the last one seen."""
        at, before_id = before or (None, LAST_ID)
        return await self._database.fetch(Q.list_scans, courier_id, letter_id, at, before_id, limit)

    async def delete_scans(self, before: datetime, most: int) -> int:
        """Forget up to ``most`` scans from before a moment; return how many."""
        return await self._database.execute(Q.delete_scans, before, most)
