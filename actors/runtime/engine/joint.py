"""Messages of one entity that are decided one after the other and committed as one turn."""

from functools import partial
from typing import Any, NoReturn

from actors.runtime.actor import Decision, Entity
from actors.runtime.engine.turn import stored
from actors.runtime.envelope import Envelope
from actors.runtime.errors import DomainError
from actors.runtime.ports import Stored

MOST = 100  # messages in one turn; more gain nothing and make the first one wait


class Joint:
    """What messages have decided so far, each on the state that those before it would make. Often it is only one.

    ``state`` and ``n`` are what the entity's become once it is committed.
    """

    __slots__ = ("_behaviour", "_causes", "decided", "key", "n", "own", "state", "stream")

    def __init__(self, behaviour: Entity[Any], key: str, state: Any, n: int) -> None:
        self._behaviour = behaviour
        self._causes: set[str] = set()
        self.key = key
        self.stream = behaviour.stream(key)
        self.state, self.n = state, n
        self.decided: list[tuple[Envelope, Decision[Any]]] = []
        self.own: list[Stored] = []  # events of the entity's stream

    def add(self, envelope: Envelope, decision: Decision[Any]) -> bool:
        """Take a decision in. False: something with the same cause is in; the journal would not see that it repeats.

        Raises whatever `Entity.apply` raises; then nothing was taken in.
        """
        turn, causes = envelope.id, decision.causes
        if turn in self._causes or not self._causes.isdisjoint(causes):
            return False
        state, n, own = self.state, self.n, []
        for index, event in enumerate(decision.events):
            n += 1
            own.append(stored(self.stream, n, event, causes[index] if causes else turn, envelope.caller.user_id))
            state = self._behaviour.apply(state, event)
        self.state, self.n = state, n
        self.own += own
        self._causes.add(turn)
        self._causes.update(causes)
        self.decided.append((envelope, decision))
        return True

    def decide(self, envelope: Envelope) -> bool:
        """Let one more message join, a refusal included. False: it cannot, since it crashed or repeats another."""
        try:
            result = envelope.handler.call(self.state, envelope.message, envelope)
            return self.add(envelope, result if isinstance(result, Decision) else Decision(reply=result))
        except DomainError as error:
            return self.add(envelope, Decision(answer=partial(_refuse, error)))
        except Exception:  # noqa: BLE001 - it will crash again, alone
            return False

    def save(self) -> Any:
        """The writes that bring the entity's row up to its new events."""
        return self._behaviour.save(self.key, self.state, self.n) if self.own else ()


def _refuse(error: DomainError, _: list[list[Any]]) -> NoReturn:
    """Answer with an error that was decided before, but must not be heard before the commit."""
    raise error
