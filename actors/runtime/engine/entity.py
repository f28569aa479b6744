"""An entity at work: one message at a time, against a state that equals its rows."""

import inspect
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Any

from actors.runtime.actor import Decision, Entity, Snapshot
from actors.runtime.envelope import CURRENT, Current, Envelope
from actors.runtime.errors import Internal, TimedOut
from actors.runtime.engine.mailbox import RUN, Cell, refusal
from actors.runtime.ports import DuplicateTurn
from actors.runtime.engine.turn import CrashedAfterCommit, commit, conclude, stored, waits_for_commit

if TYPE_CHECKING:
    from actors.runtime.engine.office import Office


class EntityCell(Cell):
    """See the module. The behaviour is shared by the kind; a cell is only state, its version, and mail."""

    __slots__ = ("loaded", "n", "state")

    def __init__(self, office: "Office", key: str) -> None:
        super().__init__(office, key)
        self.loaded = False
        self.state: Any = None
        self.n = 0

    def drain(self) -> None:
        """Handle waiting mail. Plain handlers that decide nothing run here, without a task or a coroutine."""
        office, box = self.office, self.box
        self.round = office.round
        if not box:
            self.box, self.busy = None, False
            return
        if not self.loaded:
            office.spawn(self._activate())
            return
        started, now, count = perf_counter(), office.monotonic(), 0
        while box:
            envelope = box.popleft()
            count += 1
            if envelope.deadline is not None and envelope.deadline <= now:
                office.statistics.expired += 1
                continue
            handler = envelope.handler
            if handler.is_async:
                office.spawn(self._run(envelope))
                break
            try:
                result = handler.call(self.state, envelope.message, envelope)
            except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
                if not self._failed(envelope, error):
                    continue
                break
            if isinstance(result, Decision):
                if waits_for_commit(result):
                    office.spawn(self._commit(envelope, result))
                    break
                result = result.reply
            reply = envelope.reply
            if reply is not None and not reply.done():
                reply.set_result(result)
            if count == RUN:
                office.call_soon(self.drain)
                break
        else:
            self.box, self.busy = None, False
        office.started(count)
        office.statistics.record(perf_counter() - started, count)

    async def _activate(self) -> None:
        """Load the state; the message that waits first hears of it when that fails."""
        try:
            loaded = self.office.load(self.key)
            snapshot: Snapshot[Any] | None = await loaded if inspect.isawaitable(loaded) else loaded
            self.state, self.n = (None, 0) if snapshot is None else snapshot
            self.loaded = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
            envelope = self._next()
            if envelope is not None and self._failed(envelope, error):
                return
        self.drain()

    def _next(self) -> Envelope | None:
        if not self.box:
            return None
        self.office.started(1)
        return self.box.popleft()

    async def _run(self, envelope: Envelope) -> None:
        """An async handler's turn."""
        CURRENT.set(Current(self.office.name, envelope.traceparent))
        started = perf_counter()
        try:
            result = await envelope.handler.call(self.state, envelope.message, envelope)
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
            if not self._failed(envelope, error):
                self.drain()
            return
        self.office.statistics.record(perf_counter() - started, 0)
        if waits_for_commit(result):
            await self._commit(envelope, result)
            return
        envelope.answer(result.reply if isinstance(result, Decision) else result)
        self.drain()

    async def _commit(self, envelope: Envelope, decision: Decision[Any]) -> None:
        """Store what was decided, fold it into the state, answer; then the next message starts."""
        try:
            envelope.answer(await self._committed(envelope, decision))
        except DuplicateTurn:
            self.loaded = False
            envelope.refuse_duplicate()
        except TimeoutError:
            self.loaded = False
            envelope.refuse(TimedOut("the outcome is unknown"))
        except CrashedAfterCommit as error:
            envelope.refuse(Internal())
            self.office.crashed(self, envelope, error, again=False)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker is answered
            if isinstance(error, ConnectionError):
                self.loaded = False  # perhaps another event has this number: the rows know
            if self._failed(envelope, error):
                return
        self.drain()

    async def _committed(self, envelope: Envelope, decision: Decision[Any]) -> Any:
        behaviour: Entity[Any] = self.office.behaviour
        stream, state, n, own = behaviour.stream(self.key), self.state, self.n, []
        for event in decision.events:
            n += 1
            own.append(stored(stream, n, event))
            state = behaviour.apply(state, event)
        save = behaviour.save(self.key, state, n) if own else ()
        rows = await commit(self.office, envelope, decision, lane=stream, own=own, save=save)
        self.state, self.n = state, n
        return conclude(decision, rows)

    def _failed(self, envelope: Envelope, error: Exception) -> bool:
        """Answer for a turn that did not end well; return whether it crashed, so that the restart goes on from here."""
        refused = refusal(error)
        if refused is not None:
            envelope.refuse(refused)
            return False
        envelope.refuse(Internal())
        self.office.crashed(self, envelope, error, again=True)
        return True

    def restart(self, again: Envelope | None, delay_seconds: float) -> None:
        """Forget the state, and go on from the rows after the delay. ``again`` is tried first."""
        self.loaded = False
        self.state = None
        if again is not None:
            if self.box is None:
                self.box = deque()
            self.box.appendleft(again)
            self.office.house.waiting += 1
        self.office.call_later(delay_seconds, self.drain)
