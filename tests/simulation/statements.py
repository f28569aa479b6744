"""What each statement of `sql/queries` that the simulated houses use does, on `SimPostgres`."""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from storage.queries import Statement, Touch
from tests.simulation.postgres import CHANGE, EXCLUSIVE, SHARE, Backend, SimPostgres, Transaction, refusal, rows

PARTITIONS = 8
BASE = datetime(2026, 1, 1, tzinfo=UTC)
INFINITY = datetime.max.replace(tzinfo=UTC)
EVENT = "stream n type body caller cause ordinal house lane seq at"
_PART = re.compile(r"(?:part_\d+|answer) as \(\n(sim_\w+|)")
Args = Any

SAVE = Statement("sim.save", "-- sim.save\nsim_save($1, $2, $3)", "exec", Touch(frozenset({"ledger"})))
"""Key, n, state; part of one statement with its events."""
SAVE_STEPWISE = Statement("sim.save_stepwise", "-- sim.save_stepwise\nsim_save($1, $2, $3)", "exec")
"""The same, in a transaction of several round trips."""
LOAD = Statement("sim.load", "-- sim.load\nsim_load($1)", "one")


class HouseRow(NamedTuple):
    """The table of houses."""

    id: int
    name: str
    incarnation: int
    alive: bool
    lease_expires_at: datetime
    started_at: datetime
    address: str
    is_leaving: bool = False
    heard_at: datetime | None = None
    counts_until: datetime = INFINITY


class Event(NamedTuple):
    """The table of events. ``id`` is what a global sequence gives a row when it is inserted, before it is committed."""

    stream: str
    n: int
    type: str
    body: str
    caller: str | None
    cause: str
    ordinal: int
    house: int
    lane: int
    seq: int
    at: datetime
    id: int
    incarnation: int


HANDLERS: dict[str, Callable[..., Any]] = {}


def does(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark what a statement does."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        HANDLERS[name] = function
        return function

    return mark


def clock(server: SimPostgres) -> datetime:
    """The database's clock."""
    return BASE + timedelta(seconds=server.loop._now)


def find_house(tx: Transaction, incarnation: int) -> HouseRow | None:
    """Look a living house up, and keep it alive until the transaction ends."""
    for key, house in tx.scan("house"):
        if house.incarnation == incarnation and house.alive:
            tx.lock(key, SHARE)
            return house  # type: ignore[no-any-return]
    return None


@does("sim.fence")
def fence(tx: Transaction, incarnation: int) -> None:
    """Refuse a house that is dead. A lock on its row is waited for, and then the row looked at again."""
    if find_house(tx, incarnation) is None:
        raise refusal("PHF01", f"incarnation {incarnation} may write no more")


@does("journal.begin")
def begin(tx: Transaction) -> str:
    tx.server.begin(tx)
    HANDLERS["sim.fence"](tx, tx.backend.incarnation)
    return "SELECT 1"


@does("journal.commit")
def commit(tx: Transaction) -> str:
    if tx.is_failed:
        tx.server.finish(tx)
        return "ROLLBACK"
    tx.server.commit(tx)
    return "COMMIT"


@does("journal.rollback")
def rollback(tx: Transaction) -> str:
    tx.server.finish(tx)
    return "ROLLBACK"


@does("journal.insert_events")
def insert_events(tx: Transaction, house: int, lane: int, seq: int, *columns: Sequence[Any]) -> list[Any]:
    for place, (stream, n, type_, body, caller, cause, ordinal, at) in enumerate(zip(*columns, strict=True)):
        number = tx.server.next("event")
        event = Event(
            stream, n, type_, body, caller, cause, ordinal, house, lane, seq + place, at, number, tx.backend.incarnation
        )
        tx.insert(("cause", stream, cause, ordinal), n, "event_cause_key")
        tx.insert(("event", stream, n), event, "event_pkey")
        tx.insert(("seq", house, lane, seq + place), event, "event_seq_key")
    return []


@does("sim.save")
@does("sim.save_stepwise")
def save(tx: Transaction, keys: Sequence[str], ns: Sequence[int], states: Sequence[Any]) -> list[Any]:
    for key, n, state in zip(keys, ns, states, strict=True):
        tx.put(("ledger", key), (state, n))
    return []


@does("sim.load")
def load(tx: Transaction, key: str) -> list[Any]:
    found = tx.get("ledger", key)
    return [] if found is None else rows("state n", [found])


@does("journal.at_once")
def at_once(tx: Transaction, incarnation: int, *args: Any) -> list[Any]:
    """A whole transaction: the fence, the events, and one part for each kind of write."""
    HANDLERS["sim.fence"](tx, incarnation)
    HANDLERS["journal.insert_events"](tx, *args[:11])
    left = list(args[11:])
    for token in _PART.findall(tx.sql)[1:]:
        count = {"sim_save": 3}[token]
        HANDLERS[token.replace("_", ".", 1)](tx, *left[:count])
        del left[:count]
    return rows("one", [(1,)])


@does("journal.get_next_seq")
def get_next_seq(tx: Transaction, house: int, lane: int) -> list[Any]:
    heard = [seq for key, seq in tx.scan("consumer") if key[2:] == (house, lane)]
    return rows("seq", [(max([last_seq(tx, house, lane), *heard]) + 1,)])


def last_seq(tx: Transaction, house: int, lane: int) -> int:
    """The last committed one of a lane."""
    seqs = tx.server.lanes.get((house, lane), ())
    return seqs[-1].seq if seqs else 0


@does("journal.is_committed")
def is_committed(tx: Transaction, house: int, lane: int, first: int, until: int) -> list[Any]:
    HANDLERS["sim.fence"](tx, tx.backend.incarnation)
    found = any(tx.get("seq", house, lane, seq) is not None for seq in range(first, until))
    return rows("found", [(found,)])


@does("journal.terminate_backend")
def terminate_backend(tx: Transaction, pid: int, started_at: Any) -> list[Any]:
    backend = tx.server.backends.get(pid)
    if backend is not None and backend.started_at == started_at:
        tx.server.end(backend)
    return rows("gone", [(True,)])


@does("journal.get_backend_start")
def get_backend_start(tx: Transaction) -> list[Any]:
    return rows("started_at", [(tx.backend.started_at,)])


@does("house.lock_database")
def lock_database(tx: Transaction) -> list[Any]:
    holder = tx.server.backends.get(tx.server.alone or 0)
    if holder is None or holder.is_dead:
        tx.server.alone = tx.backend.pid
    return rows("held", [(tx.server.alone == tx.backend.pid,)])


@does("house.list_alive_names")
def list_alive_names(tx: Transaction) -> list[Any]:
    return rows("name started_at", [(house.name, house.started_at) for _, house in tx.scan("house") if house.alive])


@does("house.terminate_leftovers")
def terminate_leftovers(tx: Transaction, prefix: str, spared: str) -> list[Any]:
    return end_backends(tx, lambda one: one.application_name.startswith(prefix) and one.application_name != spared)


def end_backends(tx: Transaction, which: Callable[[Backend], bool]) -> list[Any]:
    """End sessions."""
    ended = [backend for backend in tx.server.backends.values() if which(backend) and backend is not tx.backend]
    for backend in ended:
        tx.server.end(backend)
    return rows("pid is_gone", [(backend.pid, True) for backend in ended])


@does("house.update_house_claimed")
def update_house_claimed(
    tx: Transaction, name: str, address: str, lease_seconds: float, together_seconds: float
) -> list[Any]:
    now, incarnation = clock(tx.server), tx.server.next("incarnation")
    number = next((house.id for _, house in tx.scan("house") if house.name == name), None) or tx.server.next("house")
    counts_until = counted(tx, name, together_seconds)
    expires_at = now + timedelta(seconds=lease_seconds)
    row = HouseRow(
        number,
        name,
        incarnation,
        alive=True,
        lease_expires_at=expires_at,
        started_at=now,
        address=address,
        counts_until=counts_until,
    )
    tx.put(("house", number), row)
    return rows("id incarnation", [(number, incarnation)])


def counted(tx: Transaction, name: str, together_seconds: float) -> datetime:
    """Until when a house counts that starts now, unless it looks before."""
    now, houses = clock(tx.server), [house for _, house in tx.scan("house") if house.alive and not house.is_leaving]
    at_work = [house for house in houses if house.lease_expires_at > now and house.counts_until == INFINITY]
    earlier = [min(house.lease_expires_at, house.counts_until) for house in houses if house.name == name]
    is_other = any(house.name != name for house in at_work)
    latest: datetime = max([now if is_other else now + timedelta(seconds=together_seconds), *earlier])
    return latest


@does("house.update_others_dead")
def update_others_dead(tx: Transaction, number: int) -> list[Any]:
    for key, house in tx.scan("house"):
        if house.alive and house.id != number:
            tx.put(key, house._replace(alive=False))
    return []


@does("house.update_lease")
def update_lease(tx: Transaction, incarnation: int, lease_seconds: float, ago: float | None) -> list[Any]:
    now = clock(tx.server)
    expires_at = now + timedelta(seconds=lease_seconds)
    heard_at = None if ago is None else now - timedelta(seconds=ago)
    for key, house in tx.scan("house"):
        if house.incarnation == incarnation and house.alive:
            tx.put(key, house._replace(lease_expires_at=expires_at, heard_at=heard_at), CHANGE)
            return rows("now", [(now,)])
    return []


def note(tx: Transaction, incarnation: int, **fields: Any) -> str:
    """Change the row of the house that has this incarnation."""
    for key, house in tx.scan("house"):
        if house.incarnation == incarnation:
            tx.put(key, house._replace(**fields), CHANGE)
    return "UPDATE 1"


@does("house.update_house_stopped")
def update_house_stopped(tx: Transaction, incarnation: int) -> str:
    return note(tx, incarnation, alive=False, lease_expires_at=clock(tx.server))


@does("relay.list_heads")
def list_heads(tx: Transaction, number: int) -> list[Any]:
    dead = {house.id for _, house in tx.scan("house") if not house.alive}
    return rows(
        "house lane seq",
        [(*lane, events[-1].seq) for lane, events in tx.server.lanes.items() if lane[0] == number or lane[0] in dead],
    )


@does("relay.list_positions")
def list_positions(tx: Transaction, name: str) -> list[Any]:
    return rows("house lane seq", [(*key[2:], seq) for key, seq in tx.scan("consumer") if key[1] == name])


@does("relay.update_positions")
def update_positions(tx: Transaction, name: str, *columns: Sequence[int]) -> str:
    for house, lane, seq in zip(*columns, strict=True):
        key = ("consumer", name, house, lane)
        tx.lock(key, EXCLUSIVE)
        tx.put(key, max(tx.get(*key) or 0, seq))
    return "INSERT 0 1"


@does("relay.list_undelivered")
def list_undelivered(
    tx: Transaction, house: int, lane: int, after: int, until: int, types: Sequence[str], limit: int
) -> list[Any]:
    events = tx.server.lanes.get((house, lane), [])
    start = bisect_left(events, after + 1, key=lambda event: event.seq)
    found = [event[:11] for event in events[start:] if event.seq <= until and event.type in types]
    return rows(EVENT, found[:limit])


@does("placement.list_living")
def list_living(tx: Transaction) -> list[Any]:
    now = clock(tx.server)
    return rows(
        "id incarnation alive is_expired is_leaving is_counted heard_seconds_ago",
        [
            (
                house.id,
                house.incarnation,
                True,
                house.lease_expires_at < now,
                house.is_leaving,
                house.counts_until > now,
                None if house.heard_at is None else (now - house.heard_at).total_seconds(),
            )
            for _, house in tx.scan("house")
            if house.alive
        ],
    )


def living(tx: Transaction) -> set[int]:
    """Incarnations that are alive."""
    return {house.incarnation for _, house in tx.scan("house") if house.alive}


@does("placement.list_partitions")
def list_partitions(tx: Transaction) -> list[Any]:
    alive = living(tx)
    return rows(
        "number incarnation epoch",
        [(key[1], owner if owner in alive else None, epoch) for key, (owner, epoch) in tx.scan("partition")],
    )


@does("placement.claim_partitions")
def claim_partitions(tx: Transaction, incarnation: int, numbers: Sequence[int]) -> list[Any]:
    HANDLERS["sim.fence"](tx, incarnation)
    alive, claimed = living(tx) - {incarnation}, []
    for number in sorted(numbers):
        key = ("partition", number)
        if tx.get(*key)[0] in alive:
            continue
        tx.lock(key, EXCLUSIVE)
        tx.put(key, (incarnation, tx.get(*key)[1] + 1))
        claimed.append((number, tx.get(*key)[1]))
    return rows("number epoch", claimed)


@does("placement.release_partitions")
def release_partitions(tx: Transaction, incarnation: int, numbers: Sequence[int], epochs: Sequence[int]) -> str:
    for number, epoch in sorted(zip(numbers, epochs, strict=True)):
        key = ("partition", number)
        if tx.get(*key) == (incarnation, epoch):
            tx.put(key, (None, epoch))
    return "UPDATE 1"


@does("placement.update_house_joined")
def update_house_joined(tx: Transaction, incarnation: int) -> str:
    return note(tx, incarnation, counts_until=INFINITY)


@does("placement.update_house_leaving")
def update_house_leaving(tx: Transaction, incarnation: int) -> str:
    return note(tx, incarnation, is_leaving=True)


def expired(tx: Transaction, incarnation: int) -> HouseRow | None:
    """A house whose lease has run out, and that nobody has declared dead."""
    for _, house in tx.scan("house"):
        if house.incarnation == incarnation and house.alive and house.lease_expires_at < clock(tx.server):
            return house  # type: ignore[no-any-return]
    return None


@does("placement.terminate_expired")
def terminate_expired(tx: Transaction, incarnation: int) -> list[Any]:
    house = expired(tx, incarnation)
    name = f"posthouse/{house.name}/{incarnation}" if house is not None else None
    return end_backends(tx, lambda one: one.application_name == name)


@does("placement.update_house_dead")
def update_house_dead(tx: Transaction, incarnation: int) -> list[Any]:
    house = expired(tx, incarnation)
    if house is None:
        return []
    tx.put(("house", house.id), house._replace(alive=False))
    return rows("id", [(house.id,)])
