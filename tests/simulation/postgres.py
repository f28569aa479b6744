"""A PostgreSQL small enough to be simulated: transactions, row locks, unique keys, sessions that can be ended.

A statement takes effect at one moment. When it meets a lock it waits, and then starts again from scratch: so it sees
what the other transaction has committed. Nobody sees what is not committed.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import asyncpg

from tests.simulation.loop import SimLoop
from tests.simulation.network import Server, Wire

SHARE, CHANGE, EXCLUSIVE = "key share", "no key update", "update"
LOCK_SECONDS = 2.0
IDLE_SECONDS = 15.0  # idle_in_transaction_session_timeout
Key = tuple[Any, ...]  # (table, ...)
Handler = Callable[..., Any]
"""What a statement does: gets the transaction and the arguments; returns rows, or a command tag."""


class Row(tuple[Any, ...]):
    """A record: by number and by name."""

    __slots__ = ()
    names: tuple[str, ...] = ()

    def __getitem__(self, which: Any) -> Any:
        return tuple.__getitem__(self, self.names.index(which) if isinstance(which, str) else which)


def rows(names: str, found: Sequence[Sequence[Any]]) -> list[Any]:
    """Give rows the names of their columns."""
    kind = _KINDS.get(names)
    if kind is None:
        kind = _KINDS[names] = type("Row", (Row,), {"__slots__": (), "names": tuple(names.split())})
    return [kind(one) for one in found]


_KINDS: dict[str, type[Row]] = {}


class Blocked(Exception):  # noqa: N818 - a signal inside the server
    """Another transaction holds the lock."""


def refusal(code: str, message: str, constraint: str = "") -> asyncpg.PostgresError:
    """What the server says no with."""
    fields = {"S": "ERROR", "V": "ERROR", "C": code, "M": message}
    if constraint:
        fields["n"] = constraint
    error: asyncpg.PostgresError = asyncpg.PostgresError.new(fields)
    return error


class Transaction:
    """What it has changed and not committed, and what it has locked."""

    def __init__(self, server: "SimPostgres", backend: "Backend") -> None:
        self.server = server
        self.backend = backend
        self.changes: dict[Key, Any] = {}
        self.locks: dict[Key, str] = {}
        self.is_failed = False
        self.sql = ""  # of the statement that runs

    def get(self, *key: Any) -> Any:
        """A row as this transaction sees it; None where there is none."""
        changes = self.changes
        return changes[key] if key in changes else self.server.tables[key[0]].get(key)

    def scan(self, table: str) -> list[tuple[Key, Any]]:
        """All rows of a table as this transaction sees them, in the order of their making."""
        found = dict(self.server.tables[table])
        found.update((key, row) for key, row in self.changes.items() if key[0] == table)
        return [(key, row) for key, row in found.items() if row is not None]

    def lock(self, key: Key, mode: str) -> None:
        """Take a lock for the rest of the transaction. Raises `Blocked`."""
        held = self.locks.get(key)
        if held in {mode, EXCLUSIVE}:
            return
        holders = self.server.locks.setdefault(key, {})
        for other, theirs in holders.items():
            if other is not self and not (SHARE in (mode, theirs) and EXCLUSIVE not in (mode, theirs)):
                raise Blocked(key)
        holders[self] = self.locks[key] = mode

    def put(self, key: Key, row: Any, mode: str = EXCLUSIVE) -> None:
        """Write a row (None: delete it). Raises `Blocked`."""
        self.lock(key, mode)
        self.changes[key] = row

    def insert(self, key: Key, row: Any, constraint: str) -> None:
        """Write a row whose key must be free. Raises `Blocked`, or the violation."""
        self.lock(key, EXCLUSIVE)
        if self.get(*key) is not None:
            raise refusal("23505", "duplicate key", constraint)
        self.changes[key] = row


class Request(NamedTuple):
    """One statement on its way, and where its outcome goes."""

    number: int
    name: str
    sql: str
    args: Sequence[Any]
    done: Callable[[int, Any], None]


class Backend:
    """One session: statements one after the other."""

    def __init__(self, server: "SimPostgres", pid: int, wire: Wire, application_name: str, incarnation: int) -> None:
        self.server, self.pid, self.wire = server, pid, wire
        self.started_at = server.loop.time()
        self.application_name, self.incarnation = application_name, incarnation
        self.queue: deque[Request] = deque()
        self.transaction: Transaction | None = None
        self.is_dead = False
        self.waits_since: float | None = None
        self.last_at = 0.0

    def receive(self, request: Request) -> None:
        """Take a statement."""
        if not self.is_dead:
            self.queue.append(request)
            if len(self.queue) == 1:
                self.server.execute(self)

    def cancel(self, number: int) -> None:
        """Stop a statement that waits for a lock."""
        if self.queue and self.queue[0].number == number and self.waits_since is not None:
            self.server.fail(self, refusal("57014", "canceling statement due to user request"))

    def end(self) -> None:
        """The session is over: what it has not committed is undone."""
        if not self.is_dead:
            self.is_dead = True
            self.queue.clear()
            self.server.backends.pop(self.pid, None)
            if self.transaction is not None:
                self.server.finish(self.transaction)


class SimPostgres(Server):
    """The server. ``on_commit`` hears every transaction that changed something, in order."""

    def __init__(self, loop: SimLoop, handlers: dict[str, Handler]) -> None:
        super().__init__("postgres")
        self.loop = loop
        self.handlers = handlers
        self.tables: defaultdict[str, dict[Key, Any]] = defaultdict(dict)
        self.locks: dict[Key, dict[Transaction, str]] = {}
        self.waiting: list[Backend] = []
        self.backends: dict[int, Backend] = {}
        self.pids = 0
        self.sequences: dict[str, int] = {}
        self.lanes: dict[tuple[int, int], list[Any]] = {}  # (house, lane) -> its committed events, by seq
        self.alone: int | None = None  # the session that holds the lock on the database
        self.on_commit: Callable[[Transaction], None] = _nothing
        self.cuts_commits: dict[str, list[float]] = {}  # host -> for how long its next COMMITs are stuck on lost wires
        self.pauses: dict[str, float] = {}  # host -> for how long it stands still in the midst of its next transaction
        self.loses_answers: dict[str, int] = {}  # host -> how many COMMITs that take effect are never answered

    def next(self, sequence: str) -> int:
        """The next number of a sequence; never given back."""
        number = self.sequences[sequence] = self.sequences.get(sequence, 0) + 1
        return number

    def open(self, wire: Wire, application_name: str, incarnation: int) -> Backend:
        """Start a session."""
        self.pids += 1
        backend = self.backends[self.pids] = Backend(self, self.pids, wire, application_name, incarnation)
        return backend

    def execute(self, backend: Backend) -> None:
        """Run the statement that is first in line."""
        request = backend.queue[0]
        transaction = backend.transaction or Transaction(self, backend)
        if transaction.is_failed and request.name not in ("journal.commit", "journal.rollback"):
            self.fail(backend, refusal("25P02", "current transaction is aborted"))
            return
        before = dict(transaction.changes)
        try:
            transaction.sql = request.sql
            found = self.handlers[request.name](transaction, *request.args)
        except Blocked:
            transaction.changes = before
            self._wait(backend, transaction)
        except asyncpg.PostgresError as error:
            transaction.changes = before
            if backend.transaction is None:
                self.finish(transaction)
            self.fail(backend, error)
        else:
            if backend.transaction is None and request.name not in ("journal.commit", "journal.rollback"):
                self.commit(transaction)
            self._answer(backend, found)

    def _wait(self, backend: Backend, transaction: Transaction) -> None:
        if backend.transaction is None:
            self.finish(transaction)
        if backend.waits_since is None:
            backend.waits_since = self.loop.time()
            self.loop.at(self.loop.nature, self.loop.time() + LOCK_SECONDS, self._overdue, backend, backend.queue[0])
        if backend not in self.waiting:
            self.waiting.append(backend)

    def _overdue(self, backend: Backend, request: Request) -> None:
        if backend.queue and backend.queue[0] is request and backend.waits_since is not None:
            self.fail(backend, refusal("55P03", "canceling statement due to lock timeout"))

    def fail(self, backend: Backend, error: Exception) -> None:
        """Answer with an error; an open transaction can only be rolled back then."""
        if backend.transaction is not None:
            backend.transaction.is_failed = True
        self._answer(backend, error)

    def _answer(self, backend: Backend, outcome: Any) -> None:
        if backend.is_dead:  # it has ended itself
            return
        request = backend.queue.popleft()
        backend.waits_since = None
        backend.last_at = self.loop.time()
        backend.wire.reply(request.done, request.number, outcome)
        if backend.queue:
            self.execute(backend)

    def begin(self, transaction: Transaction) -> None:
        """Let a transaction go on beyond the statement."""
        backend = transaction.backend
        if backend.transaction is None:
            backend.transaction = transaction
            self._watch(backend, transaction)

    def _watch(self, backend: Backend, transaction: Transaction) -> None:
        """End a session that sits in a transaction and does nothing."""
        if backend.is_dead or backend.transaction is not transaction:
            return
        if backend.last_at + IDLE_SECONDS <= self.loop.time() and not backend.queue:
            self.end(backend)
            return
        self.loop.at(self.loop.nature, self.loop.time() + IDLE_SECONDS, self._watch, backend, transaction)

    def commit(self, transaction: Transaction) -> None:
        """Make its changes everybody's."""
        if transaction.changes:
            self.on_commit(transaction)
            self._lose(transaction.backend.wire)
            for key, row in transaction.changes.items():
                self.tables[key[0]][key] = row
                if key[0] == "seq":
                    self.lanes.setdefault(key[1:3], []).append(row)
        self.finish(transaction)

    def _lose(self, wire: Wire) -> None:
        left = self.loses_answers.get(wire.host.name, 0)
        if left:
            self.loses_answers[wire.host.name] = left - 1
            wire.cut(drops_there=True)

    def strike(self, name: str, wire: Wire) -> None:
        """Let go wrong what is asked for, now that a host has sent a statement.

        Where that is a COMMIT, its wire may be cut, and the COMMIT arrive a while later. In the midst of a transaction
        the host may stand still.
        """
        if self.cuts_commits and name in {"journal.commit", "journal.at_once"}:
            stuck_seconds = self.cuts_commits.get(wire.host.name, [])
            if stuck_seconds:
                wire.stuck_until = self.loop.time() + stuck_seconds.pop()
                wire.cut(drops_there=False)
        elif self.pauses and name == "journal.insert_events":
            self.loop.pause(wire.host, self.pauses.pop(wire.host.name, 0.0))

    def finish(self, transaction: Transaction) -> None:
        """Let its locks go; those who wait for any try again."""
        if transaction.backend.transaction is transaction:
            transaction.backend.transaction = None
        for key in transaction.locks:
            holders = self.locks[key]
            del holders[transaction]
            if not holders:
                del self.locks[key]
        if transaction.locks and self.waiting:
            self.loop.at(self.loop.nature, self.loop.time(), self._try_again)
        transaction.locks = {}

    def _try_again(self) -> None:
        waiting, self.waiting = self.waiting, []
        for backend in waiting:
            if not backend.is_dead and backend.queue and backend.waits_since is not None:
                self.execute(backend)

    def end(self, backend: Backend) -> None:
        """End a session and its connection."""
        backend.end()
        backend.wire.cut(drops_there=True)

    def restart(self) -> None:
        """End all sessions: what was committed stays."""
        for backend in list(self.backends.values()):
            self.end(backend)


def _nothing(_: Any) -> None:
    pass
