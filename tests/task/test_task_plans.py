"""How PostgreSQL finds the rows of tasks."""

import re

import asyncpg
import pytest

from storage import queries
from storage.journal.session import LANE_SETTINGS
from storage.queries import Statement
from tests.task.house import TaskHouse

Q = queries.load("task")
FEW = 60


@pytest.mark.parametrize(
    "statement", [Q.create_tasks, Q.settle_tasks, Q.progress_tasks, Q.cancel_tasks], ids=lambda one: one.name
)
async def test_a_plan_made_while_there_were_few_tasks_does_not_read_them_all(
    house: TaskHouse, database_dsn: str, statement: Statement
) -> None:
    ada = await house.person()
    for _ in range(FEW):
        await house.create(ada)
    connection = await asyncpg.connect(database_dsn, server_settings=LANE_SETTINGS)
    try:
        await connection.execute("analyze task, quota, event")
        plan = await _plan(connection, statement)
    finally:
        await connection.close()

    assert "Index Scan" in plan
    assert "Seq Scan" not in plan


async def _plan(connection: "asyncpg.Connection[asyncpg.Record]", statement: Statement) -> str:
    """The plan for any arguments."""
    places = {int(place) for place in re.findall(r"\$(\d+)", re.sub("--.*", "", statement.sql))}
    await connection.execute(f"prepare planned as {statement.sql}")
    rows = await connection.fetch(f"explain execute planned({','.join(['null'] * max(places))})")
    return "\n".join(row[0] for row in rows)
