"""Who somebody is to a courier, and on what their decisions rest."""

from collections.abc import Sequence
from typing import NamedTuple

from actors.authority import covers_all, may
from actors.courier.moves import Who
from actors.errors import Forbidden, NotFound
from actors.messages.courier import Mandate
from actors.moves import refusal
from actors.runtime.message import Caller
from storage.courier import CourierStore
from storage.postgres import Record


class Seen(NamedTuple):
    """A courier's row, who the caller is to them, and who stands above them."""

    row: Record
    roles: frozenset[Who | str]
    caller: Record | None  # the caller's own row, where they are an active courier


class Reach:
    """Reads what is committed; the turn that decides looks at its mandate again."""

    def __init__(self, store: CourierStore) -> None:
        self._store = store

    async def active(self, caller: Caller) -> Record | None:
        """The caller as an active courier; None: they are none."""
        row = None if caller.user_id is None else await self._store.get_courier(caller.user_id)
        return row if row is not None and row["status"] == "active" else None

    async def see(self, courier_id: str, caller: Caller) -> Seen:
        """A courier whom the caller may know of: as themselves, from above or directly below, or as an administrator.

        Couriers who see the performance of that territory may, too. Raises `NotFound` for everybody else.
        """
        row = await self._store.get_courier(courier_id)
        if row is None:
            raise NotFound("no such courier")
        own = await self.active(caller)
        roles = await self._roles(row, caller, own)
        if not roles:
            raise NotFound("no such courier")
        return Seen(row, frozenset(roles), own)

    async def _roles(self, row: Record, caller: Caller, own: Record | None) -> set[Who | str]:
        roles: set[Who | str] = set()
        if caller.is_admin:
            roles.add("admin")
        if row["user_id"] == caller.user_id:
            roles.add("self")
        if own is None:
            return roles
        for above in await self._store.list_above(row["user_id"]):
            if above["user_id"] == caller.user_id:
                roles |= {"above", "parent"} if above["distance"] == 1 else {"above"}
        if own["parent_id"] == row["user_id"]:
            roles.add("child")
        if may(own["level"], "see_performance") and covers_all(own["prefixes"], row["prefixes"]):
            roles.add("inspector")
        return roles


def require_role(seen: Seen, *roles: Who | str, move: tuple[str, str] | None = None) -> None:
    """Raise `Forbidden` unless the caller is one of these to the courier; ``move``: from what to what."""
    if seen.roles & set(roles):
        return
    why = f"this is for {_either(roles)}"
    raise Forbidden(why) if move is None else refusal(*move, Forbidden, why)


def mandate(own: Record | None, level: int, prefixes: Sequence[str]) -> Mandate | None:
    """What a courier's decision rests on; None for administrators, whose rank is no row of couriers."""
    return None if own is None else Mandate(user_id=own["user_id"], level=level, prefixes=list(prefixes))


_WORDS = {
    "self": "the courier", "parent": "who stands directly above", "above": "those above", "admin": "administrators"
}  # fmt: skip


def _either(roles: Sequence[str]) -> str:
    return " or ".join(_WORDS.get(role, role) for role in roles)
