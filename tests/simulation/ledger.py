# ruff: noqa: ARG002 - handlers take what all handlers take
"""The actors of the simulated world: ledgers that keep what they were told, and a desk that asks them."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from actors.runtime.actor import Decision, Entity, Ref, Service, Snapshot, Turn, handles
from actors.runtime.errors import DomainError
from actors.runtime.message import SYSTEM, Command, Event, Query
from storage.postgres import Database
from storage.queries import Statement
from storage.write import Write
from tests.simulation.statements import LOAD, SAVE, SAVE_STEPWISE

State = tuple[str, ...]


class Kept(Event, frozen=True, tag="ledger.kept"):
    """Something was kept."""

    token: str


class Keep(Command[int], frozen=True):
    """Keep a token; return how many are kept. ``pause_seconds``: after so long."""

    token: str


class KeepSlowly(Command[int], frozen=True):
    """The same, by a handler that waits before it decides."""

    token: str
    pause_seconds: float


class Refuse(Command[int], frozen=True):
    """Always refused."""


class Break(Command[None], frozen=True):
    """Crashes whoever handles it, ``times`` times."""

    token: str
    times: int


class Read(Query[list[str]], frozen=True):
    """Return what is kept."""


class Through(Command[int], frozen=True):
    """Keep a token by way of the desk."""

    key: str
    token: str


class Refused(DomainError):  # noqa: N818 - reads as the answer
    """The ledger says no."""

    code = "refused"


class Ledger(Entity[State]):
    """Keeps tokens, in order. Its turns are one statement each where that can be."""

    kind = "ledger"
    idle_seconds = 5.0
    capacity = 1_000
    saves: Statement = SAVE

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, key: str) -> Snapshot[State] | None:
        row = await self._database.fetchrow(LOAD, self.stream(key))
        return None if row is None else Snapshot(row["state"], row["n"])

    def apply(self, state: State | None, event: Event) -> State:
        assert isinstance(event, Kept)
        return (*(state or ()), event.token)

    def save(self, key: str, state: State | None, n: int) -> Sequence[Any]:
        return [Write(self.saves, (self.stream(key), n, state))]

    def _keep(self, state: State | None, token: str, turn: Turn) -> Decision[int]:
        return Decision(reply=len(state or ()) + 1, events=[Kept(at=turn.now, token=token)])

    @handles(joins=True)
    def keep(self, state: State | None, message: Keep, turn: Turn) -> Decision[int]:
        return self._keep(state, message.token, turn)

    @handles
    async def keep_slowly(self, state: State | None, message: KeepSlowly, turn: Turn) -> Decision[int]:
        await asyncio.sleep(message.pause_seconds)
        return self._keep(state, message.token, turn)

    @handles
    def refuse(self, state: State | None, message: Refuse, turn: Turn) -> int:
        raise Refused("no")

    @handles
    def break_(self, state: State | None, message: Break, turn: Turn) -> Decision[None]:
        if turn.attempt < message.times:  # type: ignore[attr-defined]
            raise RuntimeError("broken")
        return Decision(events=[Kept(at=turn.now, token=message.token)])

    @handles
    def read(self, state: State | None, message: Read, turn: Turn) -> list[str]:
        return list(state or ())


class Book(Ledger):
    """A ledger whose turns take several round trips each."""

    kind = "book"
    capacity = 12
    saves = SAVE_STEPWISE


class Desk(Service):
    """Asks ledgers for others."""

    kind = "desk"
    asks = frozenset({"ledger"})
    find: Callable[[str, str], Ref]

    @handles
    async def through(self, message: Through, turn: Turn) -> int:
        return await self.find("ledger", message.key).ask(
            Keep(token=message.token), SYSTEM, timeout_seconds=2.0, cause=f"{turn.id}/1"
        )
