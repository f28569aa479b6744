"""One transaction for many turns: equal statements merged, one refusal kept from spoiling the rest."""

import asyncio
from collections.abc import Callable, Sequence
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
    UnknownOutcome,
    translate,
)
from storage.events import EventRow
from storage.journal.combined import Combined, answers, combine
from storage.journal.merge import Group, Refused, merge, run_writes
from storage.journal.session import RolledBack, Session
from storage.postgres import Record
from storage.write import Write

Q = queries.load("journal")
TRIES = 3
"""Of a turn that PostgreSQL gives up because of others: they have gone on by then."""


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


async def commit_turns(
    session: Session, turns: Sequence[Turn], duplicate: Callable[[], Exception], tries: int = TRIES
) -> int:
    """Commit the turns in one transaction and settle each; return how many transactions it took.

    What PostgreSQL or an expectation refuses is halved until the culprit stands alone and gets its exception, while
    the others are committed, in order. One that stands alone, and waited for others in a circle, is tried again. When
    the database is gone nothing is tried again: all of them hear of it.
    """
    try:
        results = await _attempt(session, turns)
    except (Refused, StatementFailed, Contended) as error:
        if len(turns) == 1 and isinstance(error, Contended) and tries > 1:
            return 1 + await commit_turns(session, turns, duplicate, tries - 1)
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
    """Commit the turns: in one round trip where that can be. What fails so for one turn is tried step by step.

    There a turn that is repeated is found before anything else is looked at, and what is refused says why. So is what a
    connection has lost on the way that had died unnoticed.
    """
    wanted = [turn.writes for turn in turns]
    groups = merge(wanted)
    combined = combine(wanted, groups) if any(turn.events for turn in turns) else None
    if combined is not None:
        try:
            return await _at_once(session, combined, turns, groups)
        except StatementFailed:
            if len(turns) > 1:
                raise
        except RolledBack:
            pass
    return await _step_by_step(session, turns, groups)


async def _at_once(
    session: Session,
    combined: Combined,
    turns: Sequence[Turn],
    groups: Sequence[Group],
) -> list[list[list[Record]]]:
    await session.ready()  # `seq` may be another one after a connection was lost
    events = _rows(session, turns)
    args = (session.house.incarnation, *combined.before, *_columns(session, events), *combined.behind)
    rows = await session.commit_at_once(combined.sql, args, session.seq + len(events))
    session.recent.add((session.house.id, session.lane), events)
    if rows is None and any(statement.shape != "exec" for statement, _ in groups):
        raise UnknownOutcome("it is committed, and its rows were lost with the connection")
    return answers([turn.writes for turn in turns], groups, rows or ())


async def _step_by_step(session: Session, turns: Sequence[Turn], groups: Sequence[Group]) -> list[list[list[Record]]]:
    connection = await session.begin(Q.begin)
    events = _rows(session, turns)
    try:
        if events:
            await connection.fetch(Q.insert_events.sql, *_columns(session, events))
        results = await run_writes(connection, [turn.writes for turn in turns], groups)
    except BaseException as error:
        is_closed = connection.is_closed()
        await session.undo(error)
        if isinstance(error, TROUBLE):
            raise translate(error, is_closed=is_closed) from error
        raise
    await session.commit(session.seq + len(events))
    if events:
        session.recent.add((session.house.id, session.lane), events)
    return results


def _rows(session: Session, turns: Sequence[Turn]) -> list[EventRow]:
    """The turns' events as rows. Ordinals count inside a cause, so that it is known again in other company."""
    house, lane, seq = session.house.id, session.lane, session.seq
    rows: list[EventRow] = []
    for turn in turns:
        ordinals: dict[str, int] = {}
        for event in turn.events:
            cause = event.cause or turn.cause
            ordinal = ordinals[cause] = ordinals.get(cause, -1) + 1
            caller = event.caller or turn.caller
            place = (cause, ordinal, house, lane, seq + len(rows))
            rows.append(EventRow(event.stream, event.n, event.type, event.body, caller, *place, event.at))
    return rows


def _columns(session: Session, events: Sequence[EventRow]) -> tuple[object, ...]:
    """What `insert_events` takes."""
    stream, n, type_, body, caller, cause, ordinal, _, _, _, at = map(list, zip(*events, strict=True))
    texts = [one.decode() for one in body]
    return session.house.id, session.lane, session.seq, stream, n, type_, texts, caller, cause, ordinal, at


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
