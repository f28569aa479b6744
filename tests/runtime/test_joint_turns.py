"""Messages of one entity that wait together become one turn: all of it, or each alone."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from actors.runtime.actor import Idempotency
from actors.runtime.engine import entity
from actors.runtime.errors import AlreadyDone, DomainError, Internal, TimedOut, Unavailable
from actors.runtime.message import SYSTEM, Caller
from tests.runtime.conftest import World
from tests.runtime.world import Add, Break, Get, Hold, Note, Refuse, Refused, Take


async def outcomes(*asked: Awaitable[Any]) -> list[Any]:
    """What each asker heard; the class of an error."""
    heard = await asyncio.gather(*asked, return_exceptions=True)
    return [type(one) if isinstance(one, Exception) else one for one in heard]


async def test_messages_that_wait_are_one_turn_and_each_event_has_its_own_cause_and_caller(world: World) -> None:
    asked = [world.ref().ask(Add(by=by), Caller(user_id=f"u-{by}"), cause=f"c-{by}") for by in (1, 2, 3)]
    assert await asyncio.gather(*asked) == [1, 3, 6]
    (commit,) = world.store.commits
    assert [(event.n, event.cause, event.caller) for event in commit["events"]] == [
        (1, "c-1", "u-1"), (2, "c-2", "u-2"), (3, "c-3", "u-3"),
    ]  # fmt: skip
    assert commit["caller"] is None, "nobody's event gets a neighbour's caller"
    assert commit["writes"] == [("row", "counter:a", (6, 3))], "the row is saved once"
    assert world.store.published == commit["events"]
    assert await world.ref().ask(Get(), SYSTEM) == 6
    assert world.system.statistics()["kinds"]["counter"]["handled"] == 4


async def test_writes_run_as_columns_and_each_gets_the_rows_of_its_own(world: World) -> None:
    asked = [world.ref().ask(message, SYSTEM) for message in (Take(name="a"), Add(), Take(name="b", checked=True))]
    assert await asyncio.gather(*asked) == [1, 2, 3]
    (commit,) = world.store.commits
    assert [write[:2] for write in commit["writes"]] == [
        ("check", "b"), ("name", "a"), ("name", "b"), ("note", "a"), ("note", "b"), ("row", "counter:a"),
    ]  # fmt: skip


async def test_the_next_turn_gathers_while_one_is_committed(world: World) -> None:
    world.store.open.clear()
    first = world.ref().ask(Add(), SYSTEM)
    await world.settle()
    others = [world.ref().ask(Add(), SYSTEM) for _ in range(99)]
    await world.settle()
    world.store.open.set()
    assert await asyncio.gather(first, *others) == list(range(1, 101))
    assert [len(commit["events"]) for commit in world.store.commits] == [1, 99]


async def test_a_turn_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entity, "MOST", 10)
    assert await asyncio.gather(*(world.ref().ask(Add(), SYSTEM) for _ in range(25))) == list(range(1, 26))
    assert [len(commit["events"]) for commit in world.store.commits] == [10, 10, 5]


async def test_what_was_decided_on_uncommitted_state_is_not_heard_before_the_commit(world: World) -> None:
    world.store.open.clear()
    world.ref().tell(Add(by=5), SYSTEM)
    read, added = world.ref().ask(Get(), SYSTEM), world.ref().ask(Add(), SYSTEM)
    await world.settle()
    assert not read.done()  # type: ignore[attr-defined]
    world.store.open.set()
    assert (await read, await added) == (5, 6)
    assert len(world.store.commits) == 1


async def test_a_refusal_that_was_decided_on_uncommitted_state_is_decided_again_when_that_is_not_committed(
    world: World,
) -> None:
    world.store.failures.append(Refused("not together"))
    heard = await outcomes(
        world.ref().ask(Take(name="x"), SYSTEM), world.ref().ask(Get(), SYSTEM), world.ref().ask(Take(name="y"), SYSTEM)
    )
    assert heard == [1, 1, 2]
    assert [len(commit["events"]) for commit in world.store.commits] == [1, 1], "each alone"


async def test_any_other_handler_waits_until_the_turn_is_over_and_order_is_kept(world: World) -> None:
    first, refused = world.ref().ask(Add(), SYSTEM), world.ref().ask(Refuse(), SYSTEM)
    held, last = world.ref().ask(Hold(text="held"), SYSTEM), world.ref().ask(Add(), SYSTEM)
    await world.settle()
    assert (await first, [len(commit["events"]) for commit in world.store.commits]) == (1, [1])
    assert not last.done()  # type: ignore[attr-defined]
    world.counter.gate.set()
    assert await outcomes(refused, held, last) == [Refused, "held", 2]


async def test_a_culprit_alone_is_refused_and_the_rest_take_effect_in_order(world: World) -> None:
    world.store.names["b"] = 40
    names = ["a", "b", "c", "b", "d"]
    assert await outcomes(
        *(world.ref().ask(Take(name=name, bad="reading"), SYSTEM, cause=f"{i}") for i, name in enumerate(names))
    ) == [1, Refused, 2, Refused, 3]
    assert [event.cause for event in world.store.streams["counter:a"]] == ["0", "2", "4"]
    assert world.store.rows["counter:a"] == (3, 3)
    kind = world.system.statistics()["kinds"]["counter"]
    assert (kind["handled"], kind["depth"], world.system.waiting) == (5, 0, 0)
    assert await asyncio.gather(*(world.ref().ask(Add(), SYSTEM) for _ in range(3))) == [4, 5, 6]
    assert len(world.store.commits[-1]["events"]) == 3, "those who come later join again"


async def test_a_refused_commit_may_be_answered_from_what_is_there(world: World) -> None:
    assert await world.ref().ask(Take(name="x"), SYSTEM) == 1
    assert await world.ref().ask(Take(name="x"), SYSTEM) == -1
    assert await outcomes(*(world.ref().ask(Take(name=name), SYSTEM) for name in "yxyz")) == [2, -1, -2, 3]
    assert await world.ref().ask(Get(), SYSTEM) == 3


async def test_a_message_that_came_twice_takes_effect_once(world: World) -> None:
    asked = [world.ref().ask(Add(), SYSTEM, cause=cause) for cause in ("once", "once", "other")]
    assert await outcomes(*asked) == [1, AlreadyDone, 2]
    again = [world.ref().ask(Add(), SYSTEM, cause=cause) for cause in ("new", "once", "newer")]
    assert await outcomes(*again) == [3, AlreadyDone, 4]
    assert [event.n for event in world.store.streams["counter:a"]] == [1, 2, 3, 4]


@pytest.mark.parametrize("bad", ["handler", "apply"])
async def test_one_that_crashes_is_told_so_and_what_came_before_and_after_it_takes_effect(
    world: World, bad: str
) -> None:
    asked = [world.ref().ask(Take(name=name, bad=bad if name == "x" else ""), SYSTEM) for name in "axb"]
    await world.settle()
    await world.pass_time(0.3)
    assert await outcomes(*asked) == [1, Internal, 2]
    assert world.system.statistics()["kinds"]["counter"]["crashed"] == 1


async def test_one_whose_answer_crashes_harms_no_neighbour_and_is_not_tried_again(world: World) -> None:
    asked = [world.ref().ask(Take(name=name, bad="answer" if name in "xy" else ""), SYSTEM) for name in "axyb"]
    await world.settle()
    assert await outcomes(*asked) == [1, Internal, Internal, 4]
    assert world.system.statistics()["kinds"]["counter"]["restarts"] == 1
    read = world.ref().ask(Get(), SYSTEM)
    await world.pass_time(0.3)
    assert await read == 4


@pytest.mark.parametrize(
    ("failure", "lost_after_commit", "heard", "value"),
    [
        (ConnectionError(), False, Unavailable, 0),
        (TimeoutError(), False, TimedOut, 0),
        (TimeoutError(), True, TimedOut, 6),
    ],
)
async def test_when_nothing_can_be_stored_or_nobody_knows_all_hear_so(
    world: World, *, failure: Exception, lost_after_commit: bool, heard: type[DomainError], value: int
) -> None:
    world.store.lost_after_commit = lost_after_commit
    world.store.failures.append(failure)
    assert await outcomes(*(world.ref().ask(Add(by=by), SYSTEM) for by in (1, 2, 3))) == [heard] * 3
    assert await world.ref().ask(Get(), SYSTEM) == value
    assert world.store.loads == 2, "the rows say what happened"


async def test_what_is_overdue_does_not_join(world: World) -> None:
    world.store.open.clear()
    first = world.ref().ask(Add(), SYSTEM)
    await world.settle()
    second, late = world.ref().ask(Add(), SYSTEM), world.ref().ask(Add(by=100), SYSTEM, timeout_seconds=0.05)
    world.clock.advance(0.06)
    world.store.open.set()
    assert await outcomes(first, second, late) == [1, 2, TimedOut]
    assert world.system.statistics()["kinds"]["counter"]["expired"] == 1


async def test_each_keeps_its_idempotency_key(world: World) -> None:
    await asyncio.gather(
        *(
            world.ref().ask(Add(), SYSTEM, idempotency=Idempotency("POST", f"k-{i}", b""), cause=f"c-{i}")
            for i in (1, 2)
        )
    )
    (commit,) = world.store.commits
    assert commit["writes"][1:] == [("key", None, "k-1", "made-c-1"), ("key", None, "k-2", "made-c-2")]


async def test_tells_join_and_a_broken_one_among_them_is_tried_again_in_its_place(world: World) -> None:
    for message in (Add(by=1), Break(), Add(by=2), Note(text="last")):
        world.ref().tell(message, SYSTEM)
    await world.settle()
    await world.pass_time(2)
    assert world.counter.handled == ["break", "break", "break", "last"]
    assert await world.ref().ask(Get(), SYSTEM) == 3
