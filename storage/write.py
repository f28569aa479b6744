"""What a turn wants written."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from storage.queries import Statement


class Write(NamedTuple):
    """One row for an array statement (`storage.journal`): every parameter of the statement is an array.

    Rows of many turns for the same statement are merged into one execution, so a statement must not depend on
    being run for one row. Two rows of one execution must not change the same row of a table, unless the statement
    takes care of that itself: owned rows are safe, since their owner has one turn at a time in a lane, which speaks
    for several messages only where their handlers promise as much (``joins`` of `actors.runtime.actor.handles`).
    """

    statement: Statement
    args: Sequence[Any]
    expect: int | None = None
    """1: the statement must return this row's ``ord`` (1 for the first row) as first column, else the turn is refused
    with ``otherwise``. None: nothing is checked, and whatever rows come with this ``ord`` are returned to the turn."""
    otherwise: Exception | None = None
    constraints: Mapping[str, Exception] | None = None
    """The answer for each constraint that may be violated, by the constraint's name."""
