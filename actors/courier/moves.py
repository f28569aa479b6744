"""Every move that a courier and an application can make, and who may make it: data, in this one place.

`docs/couriers.md` shows these tables. The courier's actor looks a move up, so what does not stand here cannot happen.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from actors.errors import Conflict

Who = Literal["self", "house", "decider", "appointer", "parent", "above", "admin"]
"""``decider``: an active courier one level above what is asked for, whose territory holds it. ``appointer``: the same,
without an application. ``parent``: directly above. ``above``: anywhere above in the tree."""


class Move(NamedTuple):
    """One allowed step. ``from_`` "none": there is nothing yet."""

    name: str
    from_: str
    to: str
    who: frozenset[Who]


def _move(name: str, from_: str, to: str, *who: Who) -> Move:
    return Move(name, from_, to, frozenset(who))


COURIER: Sequence[Move] = (
    _move("apply", "none", "pending", "self"),
    _move("apply", "rejected", "pending", "self"),
    _move("admit", "none", "active", "house"),
    _move("admit", "rejected", "active", "house"),
    _move("approve", "pending", "active", "decider", "admin"),
    _move("reject", "pending", "rejected", "decider", "admin"),
    _move("appoint", "none", "active", "appointer", "admin"),
    _move("appoint", "pending", "active", "appointer", "admin"),
    _move("appoint", "rejected", "active", "appointer", "admin"),
    _move("suspend", "active", "suspended", "above", "admin"),
    _move("resume", "suspended", "active", "above", "admin"),
)
"""The status of a courier. ``admit``: an application that asks for little, while its building has a free place."""

APPLICATION: Sequence[Move] = (
    _move("file", "none", "pending", "self"),
    _move("admit", "none", "approved", "house"),
    _move("approve", "pending", "approved", "decider", "admin"),
    _move("reject", "pending", "rejected", "decider", "admin"),
    _move("overtake", "pending", "approved", "appointer", "admin"),
)
"""The status of an application. ``overtake``: whoever asks to become a courier is appointed meanwhile."""

PROMOTION: Sequence[Move] = (
    _move("promote", "1", "2", "decider", "admin"),
    _move("promote", "2", "3", "decider", "admin"),
    _move("promote", "3", "4", "admin"),
)
"""The level of an active courier: asked for by oneself, decided by the level above the new one."""

TABLES = {"courier": COURIER, "application": APPLICATION, "promotion": PROMOTION}


def find(table: Sequence[Move], name: str, from_: str) -> Move | None:
    """The move of a name from a state; None when it is not allowed from there."""
    return next((move for move in table if move.name == name and move.from_ == from_), None)


def require(table: Sequence[Move], name: str, from_: str) -> Move:
    """The move of a name from a state. Raises `Conflict` with ``from`` and ``to``."""
    move = find(table, name, from_)
    if move is None:
        to = next(move.to for move in table if move.name == name)
        raise Conflict(f"{from_} cannot become {to}", **{"from": from_, "to": to})
    return move
