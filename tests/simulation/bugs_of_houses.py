"""Classic bugs of many houses: see `bugs`."""

from asyncio import Future
from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import patch

from actors.runtime.streams.arrivals import Arrivals
from actors.runtime.streams.owned import Owned
from actors.runtime.streams.post import Post
from actors.runtime.streams.transport import Streams
from actors.runtime.streams.wire import Arrived, Wire
from storage import house as houses
from storage.house import House
from storage.postgres import Connection
from tests.simulation.bugs import bug
from tests.simulation.postgres import CHANGE, Transaction, rows
from tests.simulation.redis import Reader, SimRedis
from tests.simulation.statements import HANDLERS, expired


@bug
def no_fence() -> Iterator[None]:
    """Nobody asks whether the house that commits is still alive."""
    with patch.dict(HANDLERS, {"sim.fence": lambda *_: None}):
        yield


@bug
def take_over_beside_open_transactions() -> Iterator[None]:
    """A house is declared dead without waiting for what it has begun to commit."""

    def declare(tx: Transaction, incarnation: int) -> list[Any]:
        house = expired(tx, incarnation)
        if house is None:
            return []
        tx.put(("house", house.id), house._replace(alive=False), CHANGE)
        return rows("id", [(house.id,)])

    with patch.dict(HANDLERS, {"placement.update_house_dead": declare, "placement.terminate_expired": lambda *_: []}):
        yield


@bug
def maxlen_on_a_mailbox() -> Iterator[None]:
    """A stream is cut to its newest entries."""
    append = SimRedis.append

    def trimmed(redis: SimRedis, stream: str, data: bytes) -> None:
        append(redis, stream, data)
        held = redis.streams[stream]
        for entry in list(held)[:-3]:
            del held[entry]

    with patch.object(SimRedis, "append", trimmed):
        yield


@bug
def reads_that_take_away() -> Iterator[None]:
    """What was read is gone from the stream: a read that is lost on the way loses mail."""
    answer = SimRedis.answer

    def taking(redis: SimRedis, reader: Reader) -> bool:
        found = answer(redis, reader)
        if found:
            for stream, after in reader.after.items():
                redis.delete(stream, [entry for entry in redis.streams.get(stream, {}) if entry > after][: reader.most])
        return found

    with patch.object(SimRedis, "answer", taking):
        yield


@bug
def deleted_when_taken() -> Iterator[None]:
    """Mail is deleted when it is put into a mailbox, not when its turn has ended."""
    take = Arrivals._take

    def hasty(arrivals: Arrivals, mine: Owned, entry: bytes, data: bytes) -> None:
        take(arrivals, mine, entry, data)
        arrivals._parts.post.done(mine.stream, entry)

    with patch.object(Arrivals, "_take", hasty):
        yield


@bug
def new_mail_before_what_was_left() -> Iterator[None]:
    """A new owner reads what comes from now on; what the last one left is found later."""
    opened = Streams.open

    def from_now_on(streams: Streams, epochs: Mapping[int, int]) -> None:
        opened(streams, epochs)
        for number in epochs:
            mine = streams.parts.owned[number]
            assert mine is not None
            mine.last = b"%013d-00000" % int(streams.parts.clock.now_ms())

    with patch.object(Streams, "open", from_now_on):
        yield


@bug
def open_before_the_rest_is_read() -> Iterator[None]:
    """A new owner takes its own house's mail at once, beside what that house has appended before."""
    opened = Streams.open

    def at_once(streams: Streams, epochs: Mapping[int, int]) -> None:
        opened(streams, epochs)
        for number in epochs:
            mine = streams.parts.owned[number]
            assert mine is not None
            mine.is_open = True

    with patch.object(Streams, "open", at_once):
        yield


@bug
def redelivered_under_a_new_id() -> Iterator[None]:
    """A message that is begun again by the next owner is a new one."""
    unpack = Wire.unpack

    def renamed(wire: Wire, *args: Any) -> Arrived:
        arrived = unpack(wire, *args)
        arrived.cause = None
        return arrived

    with patch.object(Wire, "unpack", renamed):
        yield


@bug
def lost_answer_taken_for_not_sent() -> Iterator[None]:
    """A write that was not answered is said to have changed nothing."""
    failed = Post._failed

    def sure(post: Post, batch: Any, error: Exception, *, is_unknown: bool) -> None:
        failed(post, batch, error, is_unknown=False)

    with patch.object(Post, "_failed", sure):
        yield


@bug
def lease_by_the_wall_clock() -> Iterator[None]:
    """A house judges its lease by the clock on the wall, which somebody may set."""
    renew = House._renew

    async def noted(house: House, connection: Connection) -> None:
        sent = _wall()
        await renew(house, connection)
        house.__dict__["wall_until"] = sent + houses.LEASE_SECONDS - houses.MARGIN_SECONDS

    def is_held(house: House) -> bool:
        return bool(_wall() < house.__dict__.get("wall_until", 0.0))

    with patch.object(House, "_renew", noted), patch.object(House, "is_held", is_held):
        yield


def _wall() -> float:
    """What the house takes for the time of day."""
    time: float = vars(houses)["time"].time()
    return time


@bug
def owner_that_never_asks_for_its_lease() -> Iterator[None]:
    """A house goes on with its actors until it hears that it was declared dead."""
    with patch.object(House, "is_held", lambda _: True):
        yield


@bug
def mail_of_a_lapse_forgotten() -> Iterator[None]:
    """What has ended while the lease was not sure is settled by nobody, although the house was never buried.

    This was in the product: the first real fault that a seed has found.
    """
    ended = Arrivals._ended

    def forgetful(arrivals: Arrivals, *args: Any) -> None:
        if arrivals._parts.lease.is_held():
            ended(arrivals, *args)

    with patch.object(Arrivals, "_ended", forgetful):
        yield


@bug
def answer_before_the_turn_ends() -> Iterator[None]:
    """The asker's house is told that all is well as soon as the message has arrived."""
    unpack = Wire.unpack

    def settled(wire: Wire, destination: Any, frame: Any, entry: bytes, now_ms: float, reply: "Future[Any]") -> Arrived:
        arrived = unpack(wire, destination, frame, entry, now_ms, reply)
        if arrived.is_ask:
            arrived.answer(1)
        return arrived

    with patch.object(Wire, "unpack", settled):
        yield
