"""The state machines of letters, their delivery tasks and labels: tables, and the one place that asks them.

docs/letters.md shows the same tables; a test compares.
"""

from collections.abc import Collection, Sequence
from typing import Any, Literal, NamedTuple

from actors.errors import Conflict, DomainError, Forbidden

Role = Literal["sender", "recipient", "reader", "holder", "courier", "leader", "house", "admin"]
"""Who moves something: ``reader`` knows the code, ``holder`` has the task, ``courier`` may take it, ``leader`` assigns
(level 2 and up), ``house`` is a timer or what follows from another move."""


class Move(NamedTuple):
    """One line of a table."""

    before: str
    after: str
    who: tuple[Role, ...]


LETTER: Sequence[Move] = (
    Move("draft", "sealed", ("sender",)),
    Move("draft", "scheduled", ("sender",)),
    Move("scheduled", "sealed", ("house",)),
    Move("scheduled", "draft", ("sender",)),
    Move("sealed", "collected", ("holder", "admin")),
    Move("sealed", "draft", ("sender",)),
    Move("collected", "in_transit", ("holder", "admin")),
    Move("collected", "failed", ("holder", "admin")),
    Move("in_transit", "delivered", ("holder", "admin")),
    Move("in_transit", "failed", ("holder", "admin")),
    Move("failed", "collected", ("holder", "courier", "admin")),
    Move("failed", "in_transit", ("holder", "courier", "admin")),
    Move("delivered", "read", ("recipient", "reader")),
    Move("draft", "archived", ("sender",)),
    Move("delivered", "archived", ("sender", "recipient")),
    Move("read", "archived", ("sender", "recipient")),
)
"""Of a letter. ``archived`` is a status for the one person alone who has archived it."""

TASK: Sequence[Move] = (
    Move("available", "accepted", ("courier", "leader", "house", "admin")),
    Move("available", "cancelled", ("sender",)),
    Move("accepted", "collected", ("holder", "admin")),
    Move("accepted", "available", ("holder", "house", "admin")),
    Move("accepted", "cancelled", ("sender",)),
    Move("collected", "in_transit", ("holder", "admin")),
    Move("collected", "failed", ("holder", "admin")),
    Move("in_transit", "delivered", ("holder", "admin")),
    Move("in_transit", "failed", ("holder", "admin")),
    Move("failed", "available", ("house", "admin")),
)
"""Of the delivery task that each sealed letter has."""

LABEL: Sequence[Move] = (
    Move("unbound", "bound", ("sender", "holder", "admin")),
    Move("unbound", "expired", ("house",)),
    Move("unbound", "cancelled", ("courier", "admin")),
    Move("bound", "in_transit", ("house",)),
    Move("bound", "cancelled", ("house",)),
    Move("in_transit", "delivered", ("house",)),
)
"""Of a label. Once it is bound it follows its letter."""

AGREEING: dict[str, Collection[str | None]] = {
    "draft": (None, "cancelled"),
    "scheduled": (None, "cancelled"),
    "sealed": ("available", "accepted"),
    "collected": ("collected",),
    "in_transit": ("in_transit",),
    "delivered": ("delivered",),
    "read": ("delivered",),
    "failed": ("failed", "available", "accepted"),
}
"""A letter's status -> those that its task may have. None: there is none yet. `verify` asks the whole database."""

_STATUS_AFTER = {"collect": "collected", "transit": "in_transit", "deliver": "delivered", "fail": "failed"}


def status_after(action: str) -> str | None:
    """The status that a scan asks for; None: a hand-over changes none."""
    return _STATUS_AFTER.get(action)


def check(table: Sequence[Move], before: str, after: str, roles: Collection[Role]) -> bool:
    """Return whether something is to be done: False where it is so already.

    Raises:
        Conflict: there is no such move (``from``, ``to``).
        Forbidden: there is one, and it is somebody else's.
    """
    if before == after:
        return False
    for move in table:
        if (move.before, move.after) == (before, after):
            if set(roles).isdisjoint(move.who):
                raise refusal(before, after, Forbidden)
            return True
    raise refusal(before, after)


def refusal(before: str, after: str, kind: type[DomainError] = Conflict, why: str = "", **more: Any) -> DomainError:
    """Say that something cannot go from one status to the other, and ``why`` where the table alone does not tell."""
    words = "is for others to do" if kind is Forbidden else "is no possible move"
    return kind(why or f"from {before} to {after} {words}", **{"from": before, "to": after}, **more)


def befores(table: Sequence[Move], after: str, role: Role) -> list[str]:
    """From where somebody may move it there, in the order of the table."""
    return [move.before for move in table if move.after == after and role in move.who]


def open_to(table: Sequence[Move], before: str, roles: Collection[Role]) -> list[str]:
    """Where somebody may move it from here, in the order of the table."""
    return [move.after for move in table if move.before == before and not set(roles).isdisjoint(move.who)]
