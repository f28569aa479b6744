"""OP codes: schools, areas, points and who holds them, and applications."""

from collections.abc import Sequence
from datetime import datetime

from storage import queries
from storage.postgres import Database, Record

Q = queries.load("op_code")


class OpCodeStore:
    """Reads; writes go through the journal. Codes are normalised: upper case, without gaps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_place(self, code: str) -> Record | None:
        """A school or an area that is open."""
        return await self._database.fetchrow(Q.get_place, code)

    async def list_schools(self, after: str | None, limit: int) -> list[Record]:
        """Schools by code."""
        return await self._database.fetch(Q.list_schools, after, limit)

    async def list_areas(self, school: str, after: str | None, limit: int) -> list[Record]:
        """The areas of a school by code."""
        return await self._database.fetch(Q.list_areas, school, after, limit)

    async def list_known(self, codes: Sequence[str]) -> list[str]:
        """Which of these stand for something: an open school or area, or a point that somebody holds."""
        if not codes:
            return []
        return [row["code"] for row in await self._database.fetch(Q.list_known, list(codes))]

    async def list_codes(self, area: str) -> set[str]:
        """The points of an area that somebody holds."""
        return {row["code"] for row in await self._database.fetch(Q.list_codes, area)}

    async def get_point(self, code: str) -> Record | None:
        """A point that somebody holds: ``holder_id``, ``is_public``, names and address."""
        return await self._database.fetchrow(Q.get_point, code)

    async def get_names(self, code: str) -> Record | None:
        """``school_name`` and ``area_name`` of a school's or an area's code; None: the school is not open."""
        return await self._database.fetchrow(Q.get_names, code)

    async def get_application(self, application_id: str) -> Record | None:
        """An application's row."""
        return await self._database.fetchrow(Q.get_application, application_id)

    async def list_applications(
        self, user_id: str, *, sees_all: bool, prefixes: Sequence[str], status: str | None,
        before: tuple[datetime, str] | None, limit: int,
    ) -> list[Record]:  # fmt: skip
        """Somebody's own, and those of the areas in a territory; newest first."""
        at, before_id = before or (None, None)
        return await self._database.fetch(
            Q.list_applications, user_id, sees_all, list(prefixes), status, at, before_id, limit
        )
