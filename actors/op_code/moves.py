"""Every move that an application for a point can make, and who may make it: data. `docs/couriers.md` shows it."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from actors.errors import Conflict

Who = Literal["applicant", "giver", "admin"]
"""``giver``: an active courier who gives points there (level 2 or above, whose territory holds the area), and is not
the applicant."""


class Move(NamedTuple):
    """One allowed step. ``from_`` "none": there is nothing yet."""

    from_: str
    to: str
    who: frozenset[Who]


POINT: Sequence[Move] = (
    Move("none", "pending", frozenset({"applicant"})),
    Move("pending", "approved", frozenset({"giver", "admin"})),
    Move("pending", "rejected", frozenset({"giver", "admin"})),
    Move("approved", "released", frozenset({"applicant", "giver", "admin"})),
)
"""One that is approved is a point; no two points have the same code."""


def may_become(from_: str, to: str) -> bool:
    """Whether there is such a move at all."""
    return any(move.from_ == from_ and move.to == to for move in POINT)


def require(from_: str, to: str) -> None:
    """Raise `Conflict` with ``from`` and ``to`` unless there is such a move."""
    if not may_become(from_, to):
        raise Conflict(f"{from_} cannot become {to}", **{"from": from_, "to": to})
