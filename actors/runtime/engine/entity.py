"""An entity at work: one message at a time, against a state that equals its rows."""

import inspect
from asyncio import InvalidStateError
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import Decision, Entity
from actors.runtime.engine.mailbox import RUN, Cell
from actors.runtime.engine.turn import UnknownOutcome, commit, conclude, stored, uninterrupted, waits_for_commit
from actors.runtime.envelope import Envelope
from actors.runtime.ports import DuplicateTurn

if TYPE_CHECKING:
    from actors.runtime.engine.offices import EntityOffice


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
                    self.office.begin(envelope, self._commit(envelope, result))
                    return True, count
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
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
            if not self.failed(envelope, error):
                self.drain()
            return
        finally:
            self.office.statistics.record(perf_counter() - started, 1)
        if waits_for_commit(result):
            await self._commit(envelope, result)
        else:
            envelope.answer(result.reply if isinstance(result, Decision) else result)
            self.drain()

    async def _commit(self, envelope: Envelope, decision: Decision[Any]) -> None:
        """Store what was decided, fold it into the state, answer. Only then the next message starts."""
        try:
            envelope.answer(await uninterrupted(self._committed(envelope, decision)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
            if isinstance(error, ConnectionError | UnknownOutcome | DuplicateTurn):
                self.loaded = False  # the rows may be ahead of us: only they know
            if self.failed(envelope, error):
                return
        self.drain()

    async def _committed(self, envelope: Envelope, decision: Decision[Any]) -> Any:
        behaviour: Entity[Any] = self.office.behaviour
        stream, state, n, own = behaviour.stream(self.key), self.state, self.n, []
        for index, event in enumerate(decision.events):
            n += 1
            own.append(stored(stream, n, event, decision.causes[index] if decision.causes else None))
            state = behaviour.apply(state, event)
        save = behaviour.save(self.key, state, n) if own else ()
        rows = await commit(self.office, envelope, decision, stream, own, save)
        self.state, self.n = state, n
        return conclude(decision, rows)

    def restart(self, again: Envelope | None, delay_seconds: float) -> None:
        """Forget the state; after the delay the rows tell it anew. Meanwhile mail waits; ``again`` is the first."""
        self.loaded, self.state = False, None
        if again is not None:
            self.put_back(again)
        self.office.resume_later(self, delay_seconds)
