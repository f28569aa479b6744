"""Letters as their actors and their readers see them."""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from storage import queries
from storage.postgres import Database, Record
from storage.shared import SharedRead

Q = queries.load("letter")
FIRST_ID = "00000000-0000-0000-0000-000000000000"
LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_is_id = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_LIKE = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


class LetterStore:
    """Reads; writes go through the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._views: SharedRead[str] = SharedRead(database, Q.get_views, key="id")

    async def get_letter(self, letter_id: str) -> Record | None:
        """A letter's row with its task's columns as ``task_*``."""
        return await self._database.fetchrow(Q.get_letter, letter_id)

    async def get_version(self, letter_id: str, version: int) -> Record | None:
        """What a letter said in a version."""
        return await self._database.fetchrow(Q.get_version, letter_id, version)

    async def get_sealing(self, letter_id: str) -> Record:
        """What has to be known before a letter is sealed. Raises LookupError: there is no such letter."""
        row = await self._database.fetchrow(Q.get_sealing, letter_id)
        if row is None:
            raise LookupError(letter_id)
        return row

    async def is_below(self, above: str, below: str) -> bool:
        """Whether a courier is in the tree below another."""
        return bool(await self._database.fetchval(Q.is_below, above, below))

    async def get_person(self, caller: str, name: str) -> Record | None:
        """``id, username`` of somebody by id or username; None also for who has blocked the caller."""
        return await self._database.fetchrow(Q.get_person, caller, name if _is_id(name) else None, name)

    async def get_view(self, letter_id: str) -> Record | None:
        """A letter with its words, and the names of its people."""
        return await self._views.get(letter_id)

    async def get_views(self, letter_ids: Sequence[str]) -> list[Record]:
        """Letters as `get_view` gives them, in this order."""
        rows = {row["id"]: row for row in await self._database.fetch(Q.get_views, letter_ids)}
        return [rows[letter_id] for letter_id in letter_ids if letter_id in rows]

    async def list_box(
        self, user_id: str, box: str, q: str | None, before: tuple[datetime, str] | None, limit: int
    ) -> list[Record]:
        """``id, changed_at`` of a person's letters, those that changed last first."""
        at, before_id = before or (None, LAST_ID)
        like = None if q is None else f"%{q.translate(_LIKE)}%"
        return await self._database.fetch(Q.list_box, user_id, box, like, at, before_id, limit)

    async def list_thread(
        self, user_id: str, thread_id: str, after: tuple[datetime, str] | None, limit: int
    ) -> list[Record]:
        """``id, created_at`` of a correspondence as far as a person may see it, oldest first."""
        at, after_id = after or (None, FIRST_ID)
        return await self._database.fetch(Q.list_thread, user_id, thread_id, at, after_id, limit)

    async def list_versions(self, letter_id: str, before: int, limit: int) -> list[Record]:
        """What a letter said, newest first."""
        return await self._database.fetch(Q.list_versions, letter_id, before, limit)

    async def find_letter(self, code: str) -> str | None:
        """The id of the letter that has a code."""
        found: str | None = await self._database.fetchval(Q.find_letter, code)
        return found

    async def list_drafts_of(self, sender_ids: Sequence[str]) -> list[str]:
        """Letters of these people that nobody has collected."""
        return [row["id"] for row in await self._database.fetch(Q.list_drafts_of, sender_ids)]

    async def list_steps(self, letter_id: str, after: int, types: Sequence[str], limit: int) -> list[Record]:
        """``n, type, body, at`` of a letter's timeline, oldest first."""
        return await self._database.fetch(Q.list_steps, f"letter:{letter_id}", after, types, limit)

    async def list_accepted_of(self, courier_ids: Sequence[str]) -> list[tuple[str, str]]:
        """(letter, courier) of tasks that these couriers have accepted and not collected."""
        if not courier_ids:
            return []
        rows = await self._database.fetch(Q.list_accepted_of, courier_ids)
        return [(row["letter_id"], row["courier_id"]) for row in rows]

    async def list_tallies(self, batch: int = 1_000) -> AsyncIterator[Record]:
        """All letters with their task's status and both counts of their readers."""
        last = FIRST_ID
        while rows := await self._database.fetch(Q.list_tallies, last, batch):
            for row in rows:
                yield row
            last = rows[-1]["id"]

    async def list_loads(self) -> list[Record]:
        """``user_id, kept, held`` of couriers for whom another number of open tasks is kept than they hold."""
        return await self._database.fetch(Q.list_loads)

    async def count(self, since: datetime, until: datetime) -> tuple[list[Record], list[Record], list[Record], Record]:
        """Letters that were sealed in a time: by day, by status, by school, and how long they took."""
        time = (since, until)
        took = await self._database.fetchrow(Q.get_delivery_times, *time)
        assert took is not None  # noqa: S101 - an aggregate has one row
        days, statuses, schools = [
            await self._database.fetch(query, *time) for query in (Q.count_by_day, Q.count_by_status, Q.count_by_school)
        ]
        return days, statuses, schools, took
