"""People of every kind who ask the actors of couriers and points directly; for squares, where there are many cases."""

from typing import Any

from actors.errors import DomainError, NotFound
from actors.runtime.message import Caller
from tests.courier.house import CourierHouse
from tests.courier.rows import insert_courier


class Office:
    """Everybody by name. ``elsewhere`` are of the level that decides, in another territory; ``idle`` are suspended."""

    def __init__(self, house: CourierHouse, dsn: str, admin_id: str) -> None:
        self.house = house
        self.dsn = dsn
        self.people = {"admin": admin_id}

    @classmethod
    async def open(cls, house: CourierHouse, dsn: str) -> "Office":
        """Couriers of all levels, one above the other, and people who are none."""
        office = cls(house, dsn, house.admin.id)
        add = office.add
        await add("city", 4, "PK", "AB")
        await add("city elsewhere", 4, "AB")
        await add("city idle", 4, "PK", status="suspended")
        await add("school", 3, "PK", parent="city")
        await add("school elsewhere", 3, "AB", parent="city")
        await add("school idle", 3, "PK", parent="city", status="suspended")
        await add("area", 2, "PK5F", parent="school")
        await add("area elsewhere", 2, "PK6A", parent="school")
        await add("area idle", 2, "PK5F", parent="school", status="suspended")
        await add("building", 1, "PK5F", parent="area")
        office.people["stranger"] = await office.person()
        return office

    async def add(
        self, name: str, level: int, *prefixes: str, parent: str | None = None, status: str = "active"
    ) -> str:
        """A courier."""
        parent_id = None if parent is None else self.people[parent]
        self.people[name] = await insert_courier(self.dsn, level, prefixes, parent_id=parent_id, status=status)
        return self.people[name]

    async def person(self) -> str:
        """Somebody who is no courier."""
        user_id = await insert_courier(self.dsn)
        await self.house.sql("delete from courier where user_id = $1", user_id)
        return user_id

    async def ask(self, kind: str, message: Any, user_id: str) -> Any:
        """Ask as somebody. Raises `DomainError`."""
        role = "admin" if user_id == self.people["admin"] else "user"
        return await self.house.refs(kind, "").ask(message, Caller(user_id=user_id, role=role), 30)

    async def attempt(self, kind: str, message: Any, user_id: str) -> DomainError | None:
        """Ask, and return what was refused."""
        try:
            await self.ask(kind, message, user_id)
        except DomainError as refused:
            return refused
        return None


def says_why(error: DomainError | None, before: str, after: str) -> bool:
    """Whether a refusal tells from what to what; to whom something is unknown it tells nothing."""
    if isinstance(error, NotFound):
        return True
    return error is not None and (error.extra.get("from"), error.extra.get("to")) == (before, after)
