"""From a handler's result to an answer: what a turn decided is committed, then published, then answered."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from actors.runtime.actor import Decision, Opened, Settled, Together
from actors.runtime.envelope import Envelope
from actors.runtime.errors import DomainError, Internal
from actors.runtime.message import Event
from actors.runtime.ports import Stored

if TYPE_CHECKING:
    from actors.runtime.engine.office import Office

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class CrashedAfterCommit(Exception):  # noqa: N818 - names the moment
    """What a turn decided is committed, but the answer could not be made: it must not be tried again."""


def waits_for_commit(result: Any) -> bool:
    """Whether a handler's result has anything to store, or to do once it is stored."""
    return isinstance(result, Decision) and bool(
        result.events or result.writes or result.opens or result.made or result.after or result.answer
    )


def stored(stream: str, n: int, event: Event) -> Stored:
    """Encode an event, once for the table and every listener."""
    return Stored(stream, n, str(type(event).__struct_config__.tag), _encode(event), event.at)


def _opened(opens: Sequence[Opened]) -> list[Stored]:
    return [stored(opened.stream, 1, opened.event) for opened in opens]


async def commit(
    office: "Office",
    envelope: Envelope,
    decision: Decision[Any],
    *,
    lane: str,
    own: Sequence[Stored],
    save: Sequence[Any],
) -> list[list[Any]]:
    """Commit one turn and publish its events; return the rows of the decision's own writes. Raises what the journal does."""
    events = [*own, *_opened(decision.opens)]
    writes = [*decision.writes, *save]
    if envelope.idempotency is not None and decision.made is not None:
        writes.append(office.house.record_idempotency(envelope.caller, envelope.idempotency, decision.made))
    if not events and not writes:
        return []
    rows = await office.house.journal.commit(
        lane=lane, cause=envelope.id, caller=envelope.caller.user_id, events=events, writes=writes
    )
    publish(office, events)
    return rows[: len(decision.writes)]


def publish(office: "Office", events: Sequence[Stored]) -> None:
    """Hand committed events on; a publisher that breaks its promise not to raise spoils nothing."""
    if events:
        try:
            office.house.publisher.publish(events)
        except Exception:
            log.exception("publisher_failed")


def conclude(decision: Decision[Any], rows: list[list[Any]]) -> Any:
    """Run ``after`` and make the reply. Raises `CrashedAfterCommit`."""
    try:
        if decision.after is not None:
            decision.after()
        return decision.answer(rows) if decision.answer is not None else decision.reply
    except DomainError:
        raise
    except Exception as error:
        raise CrashedAfterCommit from error


async def commit_together(office: "Office", batch: Sequence[Envelope], together: Together[Any]) -> Settled[Any]:
    """Commit a batch as one statement and publish its events; idempotency keys join the same transaction."""
    settled: list[Settled[Any]] = []

    def follow(rows: list[Any]) -> list[Any]:
        settled[:] = [together.settle(rows)]
        made = settled[0].made or ()
        return [
            office.house.record_idempotency(envelope.caller, envelope.idempotency, thing)
            for envelope, thing in zip(batch, made, strict=False)
            if envelope.idempotency is not None and thing is not None
        ]

    has_keys = any(envelope.idempotency is not None for envelope in batch)
    rows = await office.house.journal.commit_together(
        statement=together.statement, args=together.args, follow=follow if has_keys else None
    )
    try:
        result = settled[0] if settled else together.settle(rows)
        publish(office, result.events)
        if result.after is not None:
            result.after()
    except Exception as error:
        raise CrashedAfterCommit from error
    return result


def answer_all(batch: Sequence[Envelope], settled: Settled[Any]) -> None:
    """Give each asker of a batch its reply or refusal."""
    for envelope, reply in zip(batch, settled.replies, strict=True):
        if isinstance(reply, DomainError):
            envelope.refuse(reply)
        else:
            envelope.answer(reply)


def refuse_all(batch: Sequence[Envelope], error: Exception) -> None:
    """Give every asker of a batch the same error."""
    for envelope in batch:
        envelope.refuse(error)


__all__ = [
    "CrashedAfterCommit",
    "Internal",
    "answer_all",
    "commit",
    "commit_together",
    "conclude",
    "publish",
    "refuse_all",
    "stored",
    "waits_for_commit",
]
