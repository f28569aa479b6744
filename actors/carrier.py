"""Who acts on what is carried, as far as the rows say. Rules that are no actor."""

from collections.abc import Iterable
from typing import NamedTuple

from actors.authority import covers, masked
from storage.postgres import Record


class Carrier(NamedTuple):
    """Somebody, with the level and territory that they have as a courier."""

    user_id: str
    is_admin: bool = False
    level: int | None = None  # None: no active courier
    prefixes: tuple[str, ...] = ()
    parent_id: str | None = None

    @classmethod
    def of(cls, user_id: str, row: Record | None, *, is_admin: bool = False) -> "Carrier":
        """Make one from a courier's row. Who is suspended keeps the territory, and has no level."""
        if row is None:
            return cls(user_id, is_admin)
        level = row["level"] if row["status"] == "active" else None
        return cls(user_id, is_admin, level, tuple(row["prefixes"]), row["parent_id"])

    def covers(self, place: str) -> bool:
        """Whether a place lies in their territory; administrators are at home everywhere."""
        return self.is_admin or covers(self.prefixes, place)

    def show(self, place: str) -> str:
        """A place as they may see it."""
        return place if self.covers(place) else masked(place)

    def may_know(self, people: Iterable[str | None], places: Iterable[str]) -> bool:
        """Whether a task of these people, between these places, concerns them."""
        if self.is_admin or self.user_id in people:
            return True
        return self.level is not None and any(map(self.covers, places))
