"""Runs the writes of many turns as few statements."""

from collections.abc import Sequence

from storage.errors import StaleState
from storage.postgres import Connection, Record
from storage.queries import Statement
from storage.write import Write


class Refused(Exception):  # noqa: N818 - a signal inside the journal
    """A write's expectation was not met; ``answer`` is what its turn asked for in that case."""

    def __init__(self, answer: Exception) -> None:
        super().__init__(str(answer))
        self.answer = answer


Group = tuple[Statement, Sequence[tuple[int, int]]]
"""A statement, and whose writes it runs: (turn, index of its write)."""


async def run_writes(
    connection: Connection, wanted: Sequence[Sequence[Write]], groups: Sequence[Group]
) -> list[list[list[Record]]]:
    """Run the writes of many turns group by group; return for each turn the rows of each write.

    Raises `Refused` for an expectation that was not met.
    """
    results: list[list[list[Record]]] = [[[] for _ in writes] for writes in wanted]
    for statement, places in groups:
        args = zip(*(wanted[turn][i].args for turn, i in places), strict=True)
        rows = await connection.fetch(statement.sql, *map(list, args))
        if statement.shape != "exec":
            collect(results, places, rows)
        for turn, i in places:
            write = wanted[turn][i]
            if write.expect is not None and len(results[turn][i]) != write.expect:
                raise Refused(write.otherwise or StaleState(f"{statement.name} did not find its row"))
    return results


def collect(results: list[list[list[Record]]], places: Sequence[tuple[int, int]], rows: Sequence[Record]) -> None:
    """Give each write of a group its rows; their first column is its number in the group, from 1 on."""
    for row in rows:
        turn, i = places[row[0] - 1]
        results[turn][i].append(row)


def merge(wanted: Sequence[Sequence[Write]]) -> Sequence[Group]:
    """Group equal statements, in an order that suits every turn: each turn's own writes keep theirs."""
    groups: list[tuple[Statement, list[tuple[int, int]]]] = []
    latest: dict[Statement, int] = {}
    for turn, writes in enumerate(wanted):
        reached = 0  # this turn's next write may not run before this group
        for i, write in enumerate(writes):
            group = latest.get(write.statement, -1)
            if group < reached:
                group = latest[write.statement] = len(groups)
                groups.append((write.statement, []))
            groups[group][1].append((turn, i))
            reached = group
    return groups
