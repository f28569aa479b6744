"""One transaction for many turns: equal statements merged, one refusal kept from spoiling the rest."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from storage import queries
from storage.errors import (
    TROUBLE,
    Contended,
    DuplicateTurn,
    IntegrityViolation,
    StaleState,
    StatementFailed,
    translate,
)
from storage.journal.merge import Refused, run_writes
from storage.journal.session import Session
from storage.postgres import Connection, Record
from storage.write import Write

Q = queries.load("journal")


class Stored(Protocol):
    """An event on its way into its table; the runtime's own type fits."""

    @property
    def stream(self) -> str: ...  # noqa: D102
    @property
    def n(self) -> int: ...  # noqa: D102
    @property
    def type(self) -> str: ...  # noqa: D102
    @property
    def body(self) -> bytes: ...  # noqa: D102
    @property
    def at(self) -> datetime: ...  # noqa: D102
    @property
    def cause(self) -> str | None: ...  # noqa: D102
    @property
    def caller(self) -> str | None: ...  # noqa: D102


class Turn:
    """One turn in a lane; ``future`` gets the rows of each of its writes."""

    __slots__ = ("caller", "cause", "events", "future", "writes")

    def __init__(self, cause: str, caller: str | None, events: Sequence[Stored], writes: Sequence[Write]) -> None:
        self.cause = cause
        self.caller = caller
        self.events = events
        self.writes = writes
        self.future: asyncio.Future[list[list[Record]]] = asyncio.get_running_loop().create_future()

    def settle(self, outcome: list[list[Record]] | Exception) -> None:
        """Answer, unless the asker has gone."""
        if self.future.done():
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


async def commit_turns(session: Session, turns: Sequence[Turn], duplicate: Callable[[], Exception]) -> int:
    """Commit the turns in one transaction and settle each; return how many transactions it took.

    What PostgreSQL or an expectation refuses is halved until the culprit stands alone and gets its exception, while
    the others are committed, in order. When the database is gone nothing is tried again: all of them hear of it.
    """
    try:
        results = await _attempt(session, turns)
    except (Refused, StatementFailed, Contended) as error:
        if len(turns) == 1:
            turns[0].settle(_answer(error, turns[0], duplicate))
            return 1
        middle = len(turns) // 2
        return (
            1
            + await commit_turns(session, turns[:middle], duplicate)
            + await commit_turns(session, turns[middle:], duplicate)
        )
    except Exception as error:  # noqa: BLE001 - whatever it was, the turns hear of it, and the lane goes on
        for turn in turns:
            turn.settle(_again(error))
        return 1
    for turn, rows in zip(turns, results, strict=True):
        turn.settle(rows)
    return 1


async def _attempt(session: Session, turns: Sequence[Turn]) -> list[list[list[Record]]]:
    has_events = any(turn.events for turn in turns)
    connection = await session.begin(Q.begin if has_events else Q.begin_quietly)
    try:
        until = await _insert_events(connection, session, turns) if has_events else session.seq
        results = await run_writes(connection, [turn.writes for turn in turns])
    except BaseException as error:
        is_closed = connection.is_closed()
        await session.undo(error)
        if isinstance(error, TROUBLE):
            raise translate(error, is_closed=is_closed) from error
        raise
    await session.commit(until)
    return results


async def _insert_events(connection: Connection, session: Session, turns: Sequence[Turn]) -> int:
    rows = [row for turn in turns for row in _rows(turn)]
    await connection.fetch(
        Q.insert_events.sql, session.house.id, session.lane, session.seq, *map(list, zip(*rows, strict=True))
    )
    return session.seq + len(rows)


def _rows(turn: Turn) -> Iterator[tuple[object, ...]]:
    """Yield the turn's events as rows. Ordinals count inside a cause, so that it is known again in other company."""
    ordinals: dict[str, int] = {}
    for event in turn.events:
        cause = event.cause or turn.cause
        ordinal = ordinals[cause] = ordinals.get(cause, -1) + 1
        caller = event.caller or turn.caller
        yield event.stream, event.n, event.type, event.body.decode(), caller, cause, ordinal, event.at


def _answer(error: Exception, turn: Turn, duplicate: Callable[[], Exception]) -> Exception:
    """Return what the turn that was refused all alone is told."""
    if isinstance(error, Refused):
        return error.answer
    if isinstance(error, IntegrityViolation):
        return explain(error, turn.writes, duplicate)
    return error


def explain(
    error: IntegrityViolation, writes: Sequence[Write], duplicate: Callable[[], Exception] = DuplicateTurn
) -> Exception:
    """Return what a violated constraint means to those who wrote."""
    if error.constraint == "event_cause_key":
        return duplicate()
    if error.constraint == "event_pkey":
        return StaleState("the stream has moved on")
    for write in writes:
        if write.constraints and error.constraint in write.constraints:
            return write.constraints[error.constraint]
    return error


def _again(error: Exception) -> Exception:
    """Return a copy: one exception that many raise would gather all their tracebacks."""
    return type(error)(*error.args) if isinstance(error, OSError) else error
