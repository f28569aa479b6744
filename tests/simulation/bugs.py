"""Classic bugs, planted one at a time, to prove that the simulation finds them. Nothing of this is in the product."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from actors.runtime.engine.entity import EntityCell
from actors.runtime.engine.joint import Joint
from actors.runtime.engine.turn import UnknownOutcome
from storage.consumer import Consumer, Position
from storage.recent import Lane, Recent
from tests.simulation.postgres import Transaction, rows
from tests.simulation.statements import HANDLERS

Bug = Callable[[], Any]
BUGS: dict[str, Bug] = {}


def bug(function: Callable[[], Iterator[None]]) -> Callable[[], Any]:
    """Name a bug."""
    made = BUGS[function.__name__] = contextmanager(function)
    return made


@bug
def ack_before_commit() -> Iterator[None]:
    """An asker is answered when its turn is decided, before it is committed."""
    commit = EntityCell._commit

    async def hasty(cell: EntityCell, joint: Joint) -> None:
        for envelope, decision in joint.decided:
            envelope.answer(decision.reply)
        await commit(cell, joint)

    with patch.object(EntityCell, "_commit", hasty):
        yield


@bug
def blind_retry_after_an_unknown_commit() -> Iterator[None]:
    """What nobody knows the outcome of is decided once more, as if it had not taken effect."""
    not_committed = EntityCell._not_committed

    async def blind(cell: EntityCell, joint: Joint, error: Exception) -> bool:
        if not isinstance(error, UnknownOutcome):
            return await not_committed(cell, joint, error)
        cell.loaded = False
        for envelope, _ in reversed(joint.decided):
            envelope.cause = None
            cell.put_back(envelope)
        return False

    with patch.object(EntityCell, "_not_committed", blind):
        yield


@bug
def lookup_while_the_old_backend_lives() -> Iterator[None]:
    """A lost COMMIT is looked up before the connection that carried it is surely gone."""

    def spare(tx: Transaction, pid: int, started_at: Any) -> list[Any]:
        return rows("gone", [(True,)])

    with patch.dict(HANDLERS, {"journal.terminate_backend": spare}):
        yield


@bug
def relay_by_a_global_sequence() -> Iterator[None]:
    """The relay reads ``id > last``, where ids are given before the commit."""

    def heads(tx: Transaction, number: int) -> list[Any]:
        ids = [event.id for _, event in tx.scan("event")]
        return rows("house lane seq", [(0, 0, max(ids))] if ids else [])

    def undelivered(
        tx: Transaction, house: int, lane: int, after: int, until: int, types: Sequence[str], limit: int
    ) -> list[Any]:
        events = sorted((event for _, event in tx.scan("event")), key=lambda event: event.id)
        found = [event[:9] + event[11:12] + event[10:11] for event in events if after < event.id <= until]
        return rows("stream n type body caller cause ordinal house lane seq at", found[:limit])

    with ExitStack() as stack:
        stack.enter_context(patch.dict(HANDLERS, {"relay.list_heads": heads, "relay.list_undelivered": undelivered}))
        stack.enter_context(patch.object(Recent, "between", lambda *_: None))
        stack.enter_context(patch.object(Recent, "heads", lambda *_: {}))
        stack.enter_context(patch.object(Recent, "is_stale", property(lambda _: True, lambda *_: None), create=True))
        yield


@bug
def position_kept_before_delivery() -> Iterator[None]:
    """A consumer notes that it has heard events before it has."""

    async def forward(consumer: Consumer, lane: Lane, position: Position, head: int) -> None:
        events, reached = await consumer._source.next(lane, position.seq, head)
        position.seq = reached
        await consumer._keep()
        if events:
            await consumer._deliver(events)

    with patch.object(Consumer, "_advance", forward):
        yield
