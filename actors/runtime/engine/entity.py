"""An entity at work: one turn at a time, against a state that equals its rows."""

import inspect
import logging
from asyncio import InvalidStateError
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import Decision
from actors.runtime.engine.joint import MOST, Joint
from actors.runtime.engine.mailbox import RUN, Cell
from actors.runtime.engine.turn import (
    Interrupted,
    UnknownOutcome,
    commit,
    conclude,
    instead,
    refuse_failed,
    uninterrupted,
    waits_for_commit,
)
from actors.runtime.envelope import Envelope
from actors.runtime.errors import DomainError
from actors.runtime.ports import DuplicateTurn

if TYPE_CHECKING:
    from actors.runtime.engine.offices import EntityOffice

log = logging.getLogger(__name__)


class EntityCell(Cell):
    """See the module. The behaviour is shared by the kind; a cell is only mail, state and the state's version."""

    __slots__ = ("loaded", "n", "state")

    office: "EntityOffice"

    def __init__(self, office: "EntityOffice", key: str) -> None:
        super().__init__(office, key)
        self.loaded = False
        self.state: Any = None
        self.n = 0

    def drain(self) -> None:
        """Handle waiting mail until there is none, a turn has to wait, or it is others' turn."""
        office, box = self.office, self.box
        self.round = office.round
        if box and not self.loaded:
            office.begin(None, self._activate())
            return
        if box:
            started = perf_counter()  # per run of messages, not per message: twice 50 ns
            waits, count = self._handle(box)
            office.started(count)
            office.statistics.record(perf_counter() - started, count)
            if waits:
                return
        if box:
            office.call_soon(self.drain)
        else:
            self.box, self.busy = None, False

    def _handle(self, box: deque[Envelope]) -> tuple[bool, int]:
        """Run plain handlers right here, without task or coroutine: (whether a turn waits, messages handled)."""
        now, count, traceparent = self.office.monotonic(), 0, None
        while box and count < RUN:
            envelope = box.popleft()
            if envelope.traceparent is not traceparent:
                traceparent = self.enter(envelope)
            if envelope.deadline is not None and envelope.deadline <= now:
                self.expire(envelope)
                continue
            handler = envelope.handler
            if handler.is_async:
                self.office.started(1)
                self.office.begin(envelope, self._run(envelope))
                return True, count
            count += 1
            try:
                result = handler.call(self.state, envelope.message, envelope)
            except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
                if self.failed(envelope, error):
                    return True, count
                continue
            if type(result) is Decision:
                if waits_for_commit(result):
                    return True, count + self._begin(envelope, result, box)
                result = result.reply
            reply = envelope.reply
            if reply is not None:  # `Envelope.answer` in place, and without asking first: 90 ns less for an ask
                try:
                    reply.set_result(result)
                except InvalidStateError:
                    continue  # the asker gave up
        return False, count

    async def _activate(self) -> None:
        """Load the state. When that fails, the message that waited longest hears of it; the next one tries again."""
        try:
            loaded = self.office.load(self.key)
            snapshot = await uninterrupted(loaded) if inspect.isawaitable(loaded) else loaded
            self.state, self.n = (None, 0) if snapshot is None else snapshot
            self.loaded = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
            if self.box:
                self.office.started(1)
                if self.failed(self.box.popleft(), error):
                    return
        self.drain()

    async def _run(self, envelope: Envelope) -> None:
        """The turn of an async handler."""
        self.enter(envelope)
        started = perf_counter()
        try:
            result = await uninterrupted(envelope.handler.call(self.state, envelope.message, envelope))
            joint = self._joint(envelope, result) if waits_for_commit(result) else None
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
            if not self.failed(envelope, error):
                self.drain()
            return
        finally:
            self.office.statistics.record(perf_counter() - started, 1)
        if joint is not None:
            await self._commit(joint)
        else:
            envelope.answer(result.reply if isinstance(result, Decision) else result)
            self.drain()

    def _joint(self, envelope: Envelope, decision: Decision[Any]) -> Joint:
        joint = Joint(self.office.behaviour, self.key, self.state, self.n)
        joint.add(envelope, decision)
        return joint

    def _begin(self, envelope: Envelope, decision: Decision[Any], box: deque[Envelope]) -> int:
        """Begin to commit a decision, with those of waiting messages that may join it; return how many do."""
        try:
            joint = self._joint(envelope, decision)
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
            if not self.failed(envelope, error):
                self.office.call_soon(self.drain)
            return 0
        if envelope.handler.joins and not envelope.is_alone:
            self._gather(joint, box)
        self.office.begin([one for one, _ in joint.decided], self._commit(joint))
        return len(joint.decided) - 1

    def _gather(self, joint: Joint, box: deque[Envelope]) -> None:
        """Let waiting messages join, up to the first that may not."""
        now = self.office.monotonic()
        while box and len(joint.decided) < MOST and box[0].handler.joins and not box[0].is_alone:
            envelope = box.popleft()
            if envelope.deadline is not None and envelope.deadline <= now:
                self.expire(envelope)
                continue
            self.enter(envelope)
            if not joint.decide(envelope):
                box.appendleft(envelope)
                return

    async def _commit(self, joint: Joint) -> None:
        """Store what was decided, make its outcome the state, answer. Only then the next message starts."""
        try:
            rows = await uninterrupted(commit(self.office, joint.stream, joint.decided, joint.own, joint.save()))
        except Exception as error:  # noqa: BLE001 - whatever it is, the askers are answered
            crashed = await self._not_committed(joint, error)
        else:
            self.state, self.n = joint.state, joint.n
            crashed = self._answer(joint, rows)
        if not crashed:
            self.drain()

    def _answer(self, joint: Joint, rows: list[list[list[Any]]]) -> bool:
        """Answer everybody. Return whether an answer crashed: the restart that follows is one for all."""
        crashed = False
        for (envelope, decision), own in zip(joint.decided, rows, strict=True):
            self.enter(envelope)
            try:
                envelope.answer(conclude(decision, own))
            except Exception as error:
                if not crashed:
                    crashed = self.failed(envelope, error)
                elif refuse_failed(envelope, error):
                    log.error("answer_crashed", exc_info=error)  # noqa: TRY400 - the error is at hand
        return crashed

    async def _not_committed(self, joint: Joint, error: Exception) -> bool:
        """Answer a commit that failed. Return whether it was a crash.

        Several that were refused are decided again, each alone, so that only the culprit is refused.
        """
        if isinstance(error, ConnectionError | UnknownOutcome | DuplicateTurn | Interrupted):
            self.loaded = False  # the rows may be ahead of us: only they know
        if isinstance(error, ConnectionError | UnknownOutcome):
            for envelope, _ in joint.decided:
                self.failed(envelope, error)
            return False
        if len(joint.decided) > 1:
            self._decide_again(joint)
            return False
        ((envelope, decision),) = joint.decided
        if isinstance(error, DomainError):
            try:
                envelope.answer(await uninterrupted(instead(decision, error)))
            except Exception as failure:  # noqa: BLE001 - whatever it is, the asker is answered
                return self.failed(envelope, failure)
            return False
        return self.failed(envelope, error)

    def _decide_again(self, joint: Joint) -> None:
        self.office.statistics.handled -= len(joint.decided)  # nothing of it has happened
        for envelope, _ in reversed(joint.decided):
            envelope.is_alone = True
            self.put_back(envelope)

    def restart(self, again: Envelope | None, delay_seconds: float) -> None:
        """Forget the state; after the delay the rows tell it anew. Meanwhile mail waits; ``again`` is the first."""
        self.loaded, self.state = False, None
        if again is not None:
            self.put_back(again)
        self.office.resume_later(self, delay_seconds)
