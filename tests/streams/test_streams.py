"""Mail between houses on bad days: owners that die, mail that is held up, a Redis that is gone, frozen or emptied."""

import asyncio
import random
import statistics
import time
from typing import Any

import pytest
from redis.asyncio import Redis

from actors.runtime.clock import ManualClock
from actors.runtime.errors import DomainError, Internal, Overloaded, TimedOut, Unavailable
from actors.runtime.message import SYSTEM
from actors.runtime.packing import Frame
from actors.runtime.streams import arrivals, transport
from tests.redis_server import RedisServer
from tests.runtime.pair import PARTITIONS, Station
from tests.runtime.world import Add, Break, Get, Hold, Note, Store
from tests.streams.conftest import Build


async def until(is_so: Any, within_seconds: float = 5.0) -> float:
    """Wait until something is true; the seconds that it took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() < began + within_seconds, "it did not happen"
        await asyncio.sleep(0.005)
    return time.monotonic() - began


async def owner_of_all(build: Build, *others: Any) -> tuple[Station, Station]:
    sender, owner = await build(), await build()
    owner.own()
    await owner.until_open()
    return sender, owner


async def move(old: Station, new: Station, epoch: int) -> None:
    """Hand everything over, as placement does."""
    numbers = list(range(PARTITIONS))
    old.streams.close(numbers)
    await until(lambda: all(old.streams.is_closed(number) for number in numbers))
    old.streams.drop(numbers)
    new.own(epoch=epoch)


def die(station: Station) -> None:
    """Let a house be as good as dead: it notices that its lease is over, and does nothing more."""
    station.lease.held = False
    station.streams.drop(list(range(PARTITIONS)))


def ask(station: Station, key: str = "a", message: Any = None, seconds: float = 5.0) -> "asyncio.Future[Any]":
    return asyncio.ensure_future(station.system.ref("counter", key).ask(message or Add(), SYSTEM, seconds))


async def test_what_a_dead_owner_had_not_done_is_done_by_the_next(build: Build, store: Store) -> None:
    sender, owner = await owner_of_all(build)
    next_owner = await build()
    owner.counter.gate.clear()
    held = ask(sender, message=Hold(text="h"))
    waiting = [ask(sender) for _ in range(5)]
    await until(lambda: owner.counter.handled == ["h"])
    die(owner)
    next_owner.counter.gate.set()
    next_owner.own(epoch=2)

    assert await held == "h"
    assert await asyncio.gather(*waiting) == [1, 2, 3, 4, 5]
    assert next_owner.counter.handled == ["h"], "it was begun anew"


async def test_what_a_dead_owner_had_committed_takes_effect_once_and_its_answer_is_unknown(
    build: Build, store: Store
) -> None:
    sender, owner = await owner_of_all(build)
    next_owner = await build()
    store.open.clear()
    asked = ask(sender)
    await until(lambda: owner.streams.figures()["pending"] == 1)
    owner.lease.held = False
    store.open.set()
    await until(lambda: store.rows.get("counter:a") == (1, 1))
    die(owner)
    next_owner.own(epoch=2)

    with pytest.raises(TimedOut):
        await asked
    assert store.rows["counter:a"] == (1, 1)
    assert await ask(sender) == 2


async def test_a_house_without_its_lease_answers_nobody_and_takes_nothing_away(build: Build) -> None:
    sender, owner = await owner_of_all(build)
    next_owner = await build()
    owner.lease.held = False
    asked = ask(sender, message=Get())
    await asyncio.sleep(0.1)
    assert not asked.done()
    with pytest.raises(Unavailable):
        await ask(owner, message=Get())
    die(owner)
    next_owner.own(epoch=2)
    assert await asked == 0


async def test_order_holds_while_partitions_change_hands(build: Build) -> None:
    sender, first = await owner_of_all(build)
    second = await build()
    sent, epoch = 0, 2
    owners = [first, second]

    async def send() -> None:
        nonlocal sent
        while sent < 3_000:
            for _ in range(10):
                for station in (sender, first, second):
                    station.system.ref("counter", f"from-{station.lease.id}").tell(
                        Note(text=f"{station.lease.id}:{sent}"), SYSTEM
                    )
                sent += 1
            await asyncio.sleep(0.004)

    sending = asyncio.create_task(send())
    while not sending.done():
        await asyncio.sleep(0.15)
        await move(owners[0], owners[1], epoch)
        owners.reverse()
        epoch += 1
    await sending
    handled = first.counter.handled, second.counter.handled
    await until(lambda: sum(map(len, handled)) == 9_000, 20)
    for house in (1, 2, 3):
        for texts in handled:
            numbers = [int(text.split(":")[1]) for text in texts if text.startswith(f"{house}:")]
            assert numbers == sorted(set(numbers)), "nothing overtook, and nothing came twice"
    assert epoch > 6


async def test_without_redis_what_lives_here_goes_on_and_all_is_well_when_it_is_back(
    build: Build, own_redis: RedisServer
) -> None:
    sender, owner = await owner_of_all(build)
    assert await ask(sender) == 1
    own_redis.kill()
    for _ in range(3):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await ask(sender)
        with pytest.raises(Unavailable):
            sender.system.ref("counter", "a").tell(Note(text="x"), SYSTEM)
        assert time.monotonic() - began < 1
    assert await ask(owner) == 2, "in its own house"

    own_redis.start()
    began = time.monotonic()
    while True:
        try:
            assert await ask(sender) == 3
            break
        except Unavailable:
            await asyncio.sleep(0.02)
    assert time.monotonic() - began < 2


async def test_a_redis_that_stands_still_costs_nobody_more_than_a_second(build: Build, own_redis: RedisServer) -> None:
    sender, owner = await owner_of_all(build)
    assert await ask(sender) == 1
    own_redis.freeze()
    began = time.monotonic()
    results = await asyncio.gather(ask(sender), ask(sender, message=Get()), return_exceptions=True)
    assert time.monotonic() - began < 1.3
    assert [type(result) for result in results] == [TimedOut, Unavailable], "a query may be asked again"
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await ask(sender)
    assert time.monotonic() - began < 0.1, "by now it is known"
    assert await ask(owner) == 2

    own_redis.thaw()
    began = time.monotonic()
    value = None
    while value is None:
        try:
            value = await ask(sender)
        except DomainError:
            await asyncio.sleep(0.02)
    assert time.monotonic() - began < 2
    assert value in {3, 4}, "what was sent to it before may have been done"


async def test_an_answer_that_is_under_way_when_redis_goes_is_unknown(build: Build, own_redis: RedisServer) -> None:
    sender, owner = await owner_of_all(build)
    held, looked = ask(sender, message=Hold(text="h")), ask(sender, "b", Get())
    await looked
    await until(lambda: owner.counter.handled == ["h"])
    own_redis.kill()
    with pytest.raises(DomainError):
        await ask(sender, "b")
    began = time.monotonic()
    with pytest.raises(TimedOut):
        await held
    assert time.monotonic() - began < 1.2
    assert len(sender.streams.parts.asked) == 0


async def test_a_redis_that_was_emptied_is_used_on(build: Build, own_redis: RedisServer) -> None:
    sender, _ = await owner_of_all(build)
    for _ in range(3):
        assert await ask(sender)
        own_redis.flush()
        await asyncio.sleep(0.01)  # ids hold milliseconds, and those of one may be given again
    assert await ask(sender) == 4


async def test_a_gate_that_was_lost_with_redis_is_made_anew(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    sender, owner = await build(), await build()
    with monkeypatch.context() as lossy:
        lossy.setattr(owner.streams.parts.post, "send", lambda *_: None)
        owner.own()
    held = [ask(sender), ask(owner)]
    took = await until(lambda: owner.is_open)
    assert took > 1, "the test has seen what it is about"
    assert sorted(await asyncio.gather(*held)) == [1, 2]


async def test_entries_that_lie_before_what_was_read_are_found(build: Build, own_redis: RedisServer) -> None:
    """After Redis was emptied, and its clock went back, new entries lie before the old ones."""
    sender, owner = await owner_of_all(build)
    for mine in owner.streams.parts.owned:
        assert mine is not None
        mine.last = b"99999999999999-0"
    asked = ask(sender, seconds=20)
    took = await until(asked.done, 8)
    assert asked.result() == 1
    assert took > 0.1, "the test has seen what it is about"


async def test_an_overloaded_actor_refuses_and_nothing_behind_it_waits(build: Build) -> None:
    sender, owner = await owner_of_all(build)
    other = await build()
    held = ask(sender, message=Hold(text="h"))
    await until(lambda: owner.counter.handled == ["h"])
    many = [ask(station, message=Get()) for station in (sender, other) for _ in range(100)]
    refused = [asked for asked in many if await settled_with(asked, Overloaded, owner)]
    assert len(refused) == 100, "of both together as many wait as the mailbox holds"
    assert await ask(other, "b") == 1, "another actor, perhaps of the same partition"
    owner.counter.gate.set()
    assert await held == "h"
    assert [await asked for asked in many if asked not in refused] == [0] * 100
    await until(lambda: owner.streams.figures()["pending"] == 0)
    assert sum(await owner.mail.lengths([f"mb:{number}" for number in range(PARTITIONS)])) == 0


async def settled_with(asked: "asyncio.Future[Any]", kind: type[Exception], owner: Station) -> bool:
    await asyncio.sleep(0.002)
    return asked.done() and isinstance(asked.exception(), kind)


async def test_a_stream_that_nobody_reads_is_bounded_by_its_senders(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CROWDED", 50)
    sender = await build()
    keys = [f"k{number}" for number in range(200)]
    key = next(key for key in keys if sender.streams.number_of("counter", key) == 3)
    same = [one for one in keys if sender.streams.number_of("counter", one) == 3]
    for number in range(60):
        sender.system.ref("counter", same[number % len(same)]).tell(Note(text=str(number)), SYSTEM)
    await until(lambda: sender.streams.parts.post.is_empty)
    with pytest.raises(Overloaded):
        sender.system.ref("counter", key).tell(Note(text="too much"), SYSTEM)
    assert await sender.mail.lengths(["mb:3"]) == [60], "and what was accepted is all there"
    sender.own()
    await until(lambda: len(sender.counter.handled) == 60)


async def test_an_answer_that_is_lost_is_a_timeout(
    build: Build, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, owner = await owner_of_all(build)
    monkeypatch.setattr(owner.streams.parts.post, "answer", lambda *_: None)
    asked = ask(sender, seconds=1.0)
    await until(lambda: owner.counter.store.rows)
    assert not asked.done()
    clock.advance(1.2)
    sender.system.tick()
    with pytest.raises(TimedOut):
        await asked


async def test_mail_that_was_overtaken_is_dropped(build: Build) -> None:
    sender, owner = await owner_of_all(build)
    parts = sender.streams.parts
    written: list[tuple[str, bytes]] = []
    send = parts.post.send
    parts.post.send = lambda stream, data, number: written.append((stream, data)) or send(stream, data, number)  # type: ignore[method-assign,func-returns-value]
    sender.system.ref("counter", "a").tell(Note(text="first"), SYSTEM)
    assert await ask(sender) == 1
    await sender.mail.write(written[:1], {})
    await until(lambda: owner.streams.figures()["late"] == 1)
    assert owner.counter.handled == ["first"]


async def test_a_message_that_is_not_understood_is_answered_and_holds_up_nothing(build: Build) -> None:
    sender, owner = await owner_of_all(build)
    stream = f"mb:{sender.streams.number_of('counter', 'a')}"
    newer = Frame(id="i", kind="counter", key="a", type="newer.Message", body=b"", caller=SYSTEM, reply_to=1, number=1)
    await sender.mail.write([(stream, b"\x00garbage"), (stream, sender.system.packing.pack(newer))], {})
    await until(lambda: owner.streams.figures()["not_understood"] == 2)
    sender.streams.parts.asked.number = 1
    assert await ask(sender) == 1
    assert await owner.mail.lengths([stream]) == [0]


async def test_secrets_cross_redis_sealed(build: Build, store: Store, own_redis: RedisServer) -> None:
    sender = await build()
    sender.system.ref("counter", "a").tell(Break(password="hunter2"), SYSTEM)
    await until(lambda: sender.streams.parts.post.is_empty)
    reader = sender.mail.reader()
    found = await reader.read({f"mb:{number}": b"0" for number in range(PARTITIONS)}, 10, 0.1)
    await reader.close()
    assert [b"Break" in data for _, _, data in found] == [True]
    assert b"hunter2" not in found[0][2]
    sender.own()
    await until(lambda: sender.counter.handled == ["break"])


async def test_a_crash_far_away_is_internal(build: Build) -> None:
    sender, _ = await owner_of_all(build)
    with pytest.raises(Internal):
        await ask(sender, message=Break())


async def test_no_mail_waits_for_a_read_to_end_when_streams_become_busy_quiet_and_busy_again(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "BUSY_SECONDS", 0.2)
    sender, _ = await owner_of_all(build)
    slowest, chance = 0.0, random.Random(1)
    for _ in range(60):
        key, began = chance.choice("abcdefgh"), time.monotonic()
        await ask(sender, key)
        slowest = max(slowest, time.monotonic() - began)
        await asyncio.sleep(chance.choice((0.0, 0.0, 0.05, 0.3)))
    assert slowest < arrivals.BLOCK_SECONDS / 2, "somebody read it all the time"


async def test_where_mail_came_of_late_is_read_without_all_the_others(build: Build, own_redis: RedisServer) -> None:
    """Redis and the house pay for each stream that a read names."""
    sender, _ = await owner_of_all(build)
    named: list[int] = []

    async def listen() -> None:
        async with Redis.from_url(own_redis.url) as client, client.monitor() as monitor:
            async for told in monitor.listen():
                named.extend([told["command"].count("mb:")] if "XREAD" in told["command"] else [])

    listening, ends_at = asyncio.create_task(listen()), time.monotonic() + 2 * arrivals.BLOCK_SECONDS
    while time.monotonic() < ends_at:
        await ask(sender)
        await asyncio.sleep(0.01)
    listening.cancel()
    of_mail = [count for count in named if count]
    assert max(of_mail) == PARTITIONS
    assert statistics.median(of_mail[-20:]) == 1
