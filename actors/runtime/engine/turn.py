"""From a handler's result to an answer: what a turn decided is committed, then published, then answered."""

import asyncio
import logging
from collections.abc import Awaitable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from actors.runtime.actor import Decision, Settled, Together
from actors.runtime.envelope import Envelope
from actors.runtime.errors import DomainError, Internal, TimedOut, Unavailable
from actors.runtime.message import Event
from actors.runtime.ports import DuplicateTurn, Stored

if TYPE_CHECKING:
    from actors.runtime.engine.office import Office

T = TypeVar("T")
log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class CrashedAfterCommit(Exception):  # noqa: N818 - names the moment
    """What a turn decided is committed, but its answer could not be made: it must not be tried again."""


class UnknownOutcome(Exception):  # noqa: N818 - names what is known
    """The journal could not find out whether the turn was committed."""


class Interrupted(Exception):  # noqa: N818 - names what happened
    """Something that a turn waited for was cancelled, but not the turn."""


async def uninterrupted(work: Awaitable[T]) -> T:
    """Wait for a part of a turn. A cancellation that is not the turn's own is a crash like any other.

    Otherwise it would end the task unseen, and the actor would never take its next message.
    """
    try:
        return await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise Interrupted from error


def waits_for_commit(result: Any) -> bool:
    """Whether a handler's result has anything to store, or to do once it is stored."""
    return isinstance(result, Decision) and bool(
        result.events or result.writes or result.opens or result.made or result.after or result.answer
    )


def stored(stream: str, n: int, event: Event, cause: str, caller: str | None) -> Stored:
    """Encode an event, once for the table and every listener."""
    return Stored(stream, n, str(type(event).__struct_config__.tag), _encode(event), event.at, cause, caller)


def publish(office: "Office", events: Sequence[Stored]) -> None:
    """Hand committed events on; a publisher that breaks its promise not to raise spoils nothing."""
    if not events:
        return
    try:
        office.house.publisher.publish(events)
    except Exception:
        log.exception("publisher_failed")


Decided = Sequence[tuple[Envelope, Decision[Any]]]


async def commit(
    office: "Office", lane: str, decided: Decided, own: Sequence[Stored] = (), save: Sequence[Any] = ()
) -> list[list[list[Any]]]:
    """Commit what one message or several have decided as one turn; return for each the rows of its own writes.

    ``own`` are the events of the entity's stream, ``save`` the writes that bring its row up to them.
    The writes run as columns, aligned at their ends: what several messages want of one statement stands side by side,
    and is merged.

    Raises:
        UnknownOutcome: it may be committed or not.
        Exception: whatever the journal or a write's expectation raises: nothing was changed.
    """
    wanted = [decision.writes for _, decision in decided]
    places = sorted((place, number) for number, writes in enumerate(wanted) for place in range(-len(writes), 0))
    events = [*own, *_opened(decided)]
    writes = [*(wanted[number][place] for place, number in places), *save, *_keys(office, decided)]
    results: list[list[list[Any]]] = [[] for _ in decided]
    if not events and not writes:
        return results
    first = decided[0][0]
    caller = first.caller.user_id if len(decided) == 1 else None
    try:
        rows = await office.house.journal.commit(lane=lane, cause=first.id, caller=caller, events=events, writes=writes)
    except TimeoutError as error:
        raise UnknownOutcome("the outcome is unknown") from error
    publish(office, events)
    for (_, number), found in zip(places, rows, strict=False):  # behind them: what `save` and the keys returned
        results[number].append(found)
    return results


def _opened(decided: Decided) -> Iterator[Stored]:
    """Yield the first events of other streams."""
    for envelope, decision in decided:
        for opened in decision.opens:
            yield stored(opened.stream, 1, opened.event, envelope.id, envelope.caller.user_id)


def _keys(office: "Office", decided: Decided) -> Iterator[Any]:
    """Yield the writes that keep idempotency keys."""
    for envelope, decision in decided:
        if envelope.idempotency is not None and decision.made is not None:
            yield office.house.record_idempotency(envelope.caller, envelope.idempotency, decision.made)


async def instead(decision: Decision[Any], refusal: DomainError) -> Any:
    """Return what is answered in place of a refused commit. Raises the refusal where nothing is."""
    if decision.refused is None:
        raise refusal
    return await decision.refused(refusal)


def conclude(decision: Decision[Any], rows: list[list[Any]]) -> Any:
    """Run ``after`` and make the reply. Raises `CrashedAfterCommit`; a `DomainError` of ``answer`` is an answer."""
    try:
        if decision.after is not None:
            decision.after()
        return decision.answer(rows) if decision.answer is not None else decision.reply
    except DomainError:
        raise
    except Exception as error:
        raise CrashedAfterCommit from error


async def commit_together(office: "Office", batch: Sequence[Envelope], together: Together[Any]) -> Settled[Any]:
    """Commit a batch as one statement and publish its events; idempotency keys join the same transaction.

    Raises:
        UnknownOutcome: it may be committed or not.
        CrashedAfterCommit: it is committed, but could not be settled.
        Exception: whatever the journal raises: nothing was changed.
    """
    settled: list[Settled[Any]] = []

    def follow(rows: list[Any]) -> list[Any]:
        settled[:] = [together.settle(rows)]
        return [
            office.house.record_idempotency(envelope.caller, envelope.idempotency, made)
            for envelope, made in zip(batch, settled[0].made or (), strict=False)
            if envelope.idempotency is not None and made is not None
        ]

    def told(rows: list[Any]) -> Sequence[Stored | None] | None:
        try:
            settled[:] = settled or [together.settle(rows)]
        except Exception as error:
            raise CrashedAfterCommit from error
        return settled[0].stored

    has_keys = any(envelope.idempotency is not None for envelope in batch)
    try:
        await office.house.journal.commit_together(
            statement=together.statement, args=together.args, follow=follow if has_keys else None, told=told
        )
    except TimeoutError as error:
        raise UnknownOutcome("the outcome is unknown") from error
    result = settled[0]
    publish(office, [*result.events, *filter(None, result.stored or ())])
    _finish(result, len(batch))
    return result


def _finish(settled: Settled[Any], messages: int) -> None:
    try:
        if settled.after is not None:
            settled.after()
    except Exception as error:
        raise CrashedAfterCommit from error
    if len(settled.replies) != messages:
        raise CrashedAfterCommit(f"{messages} messages have {len(settled.replies)} replies")


def answer_all(batch: Sequence[Envelope], settled: Settled[Any]) -> None:
    """Give each asker of a batch its reply or refusal."""
    for envelope, reply in zip(batch, settled.replies, strict=True):
        if isinstance(reply, DomainError):
            envelope.refuse(reply)
        else:
            envelope.answer(reply)


def refuse_failed(envelope: Envelope, error: Exception) -> bool:
    """Answer for a turn that did not end well. Return whether it was a crash (an asker hears `Internal` at once)."""
    if isinstance(error, DomainError):
        envelope.refuse(error)
    elif isinstance(error, ConnectionError | TimeoutError):
        envelope.refuse(Unavailable())
    elif isinstance(error, UnknownOutcome):
        envelope.refuse(TimedOut("the outcome is unknown"))
    elif isinstance(error, DuplicateTurn):
        envelope.refuse_duplicate()
    else:
        if envelope.is_ask:  # a tell is tried again: it has not ended yet
            envelope.refuse(Internal())
        return True
    return False
