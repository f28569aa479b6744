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


async def run_writes(connection: Connection, wanted: Sequence[Sequence[Write]]) -> list[list[list[Record]]]:
    """Run the writes of many turns, equal statements merged; return for each turn the rows of each write.

    Each turn's own writes keep their order. Raises `Refused` for an expectation that was not met.
    """
    results: list[list[list[Record]]] = [[[] for _ in writes] for writes in wanted]
    for statement, places in _merge(wanted):
        args = zip(*(wanted[turn][i].args for turn, i in places), strict=True)
        rows = await connection.fetch(statement.sql, *map(list, args))
        if statement.shape != "exec":
            for row in rows:
                turn, i = places[row[0] - 1]
                results[turn][i].append(row)
        for turn, i in places:
            write = wanted[turn][i]
            if write.expect is not None and len(results[turn][i]) != write.expect:
                raise Refused(write.otherwise or StaleState(f"{statement.name} did not find its row"))
    return results


def _merge(wanted: Sequence[Sequence[Write]]) -> list[tuple[Statement, list[tuple[int, int]]]]:
    """Group equal statements, in an order that suits every turn: (statement, [(turn, index of its write)])."""
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
