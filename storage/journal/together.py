"""A batch of turns of a shared noun as one fenced statement."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from storage import queries
from storage.errors import TROUBLE, IntegrityViolation, UnknownOutcome, is_definite, translate
from storage.events import EventRow
from storage.journal.merge import Refused, merge, run_writes
from storage.journal.session import Session
from storage.journal.turns import Stored, explain
from storage.postgres import Record
from storage.queries import Statement
from storage.write import Write

Q = queries.load("journal")
SEQ_BLOCK = 65_536
"""How many events one statement may insert: its ``seq`` are taken from a block of its own, which leaves gaps."""

Follow = Callable[[list[Record]], Sequence[Write]]
Told = Callable[[list[Record]], Sequence[Stored | None] | None]


class Batch:
    """One statement in the shared lane; ``future`` gets its rows."""

    __slots__ = ("args", "follow", "future", "statement", "told")

    def __init__(self, statement: Statement, args: Sequence[Any], follow: Follow | None, told: Told | None) -> None:
        self.statement = statement
        self.args = args
        self.follow = follow
        self.told = told
        self.future: asyncio.Future[list[Record]] = asyncio.get_running_loop().create_future()

    def settle(self, outcome: list[Record] | Exception) -> None:
        """Answer, unless the asker has gone."""
        if self.future.done():
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


async def commit_batch(session: Session, batch: Batch) -> None:
    """Run the statement in a transaction and settle the batch. Never raises."""
    try:
        run = _alone if batch.follow is None else _followed
        rows = await run(session, batch)
        _tell(session, batch, rows)
        batch.settle(rows)
    except Refused as error:
        batch.settle(error.answer)
    except Exception as error:  # noqa: BLE001 - whatever it was, the batch hears of it, and the lane goes on
        session.recent.stir()
        batch.settle(error)


def _tell(session: Session, batch: Batch, rows: list[Record]) -> None:
    """Let those who follow know what is committed. Raises what ``told`` raises."""
    stored = None if batch.told is None else batch.told(rows)
    if stored is None:
        session.recent.stir()
        return
    house, lane, first = session.house.id, session.lane, session.seq - SEQ_BLOCK
    events = [
        EventRow(
            one.stream, one.n, one.type, one.body, one.caller, one.cause or "", 0, house, lane, first + place, one.at
        )
        for place, one in enumerate(stored)
        if one is not None
    ]  # fmt: skip
    session.recent.add((house, lane), events, range(first, session.seq))


def _arguments(session: Session, batch: Batch) -> tuple[Any, ...]:
    return (session.house.incarnation, session.house.id, session.lane, session.seq, *batch.args)


async def _alone(session: Session, batch: Batch) -> list[Record]:
    """One round trip. When the connection is lost the rows are lost too, so the outcome stays unknown."""
    connection = await session.ready()
    try:
        rows = await connection.fetch(batch.statement.sql, *_arguments(session, batch))
    except TROUBLE as error:
        if is_definite(error, is_closed=connection.is_closed()):
            raise translate(error, is_closed=False) from error
        await session.undo(error)
        raise UnknownOutcome("the connection was lost in a statement that commits by itself") from error
    session.seq += SEQ_BLOCK
    return rows


async def _followed(session: Session, batch: Batch) -> list[Record]:
    connection = await session.begin(Q.begin)
    writes: Sequence[Write] = ()
    try:
        rows = await connection.fetch(batch.statement.sql, *_arguments(session, batch))
        writes = batch.follow(rows) if batch.follow is not None else ()
        await run_writes(connection, [writes], merge([writes]))
    except BaseException as error:
        is_closed = connection.is_closed()
        await session.undo(error)
        if isinstance(error, TROUBLE):
            refusal = translate(error, is_closed=is_closed)
            raise (explain(refusal, writes) if isinstance(refusal, IntegrityViolation) else refusal) from error
        raise
    await session.commit(session.seq + SEQ_BLOCK)
    return rows
