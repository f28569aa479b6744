"""How an entity decides, commits, folds, reloads and sleeps."""

import asyncio

import pytest

from actors.runtime.actor import Idempotency
from actors.runtime.errors import AlreadyDone, Internal, TimedOut, Unavailable
from actors.runtime.message import SYSTEM, Caller
from tests.runtime.conftest import World
from tests.runtime.world import Add, Get, Hold, Note, OpenLedger


async def test_a_decision_is_committed_published_folded_and_answered(world: World) -> None:
    caller = Caller(user_id="u-1")
    assert await world.ref().ask(Add(by=5), caller, cause="turn-1") == 5
    (commit,) = world.store.commits
    (event,) = commit["events"]
    assert (commit["lane"], commit["cause"], commit["caller"]) == ("counter:a", "turn-1", "u-1")
    assert (event.stream, event.n, event.type) == ("counter:a", 1, "counter.added")
    assert event.body == b'{"type":"counter.added","by":5,"at":"2026-01-01T00:00:00Z"}'
    assert commit["writes"] == [("row", "counter:a", (5, 1))]
    assert world.store.published == [event]
    assert await world.ref().ask(Get(), SYSTEM) == 5


async def test_nothing_is_visible_before_the_commit(world: World) -> None:
    world.store.open.clear()
    added = world.ref().ask(Add(), SYSTEM)
    read = world.ref().ask(Get(), SYSTEM)
    await world.settle()
    assert world.store.published == []
    assert not read.done()  # type: ignore[attr-defined]
    world.store.open.set()
    assert (await added, await read) == (1, 1)


async def test_turns_with_events_run_one_after_the_other_and_number_their_events_without_gaps(world: World) -> None:
    assert await asyncio.gather(*(world.ref().ask(Add(), SYSTEM) for _ in range(20))) == list(range(1, 21))
    assert [event.n for event in world.store.streams["counter:a"]] == list(range(1, 21))


async def test_a_refused_commit_changes_nothing(world: World) -> None:
    await world.ref().ask(Add(by=1), SYSTEM)
    world.store.failures.append(Unavailable("not now"))
    with pytest.raises(Unavailable, match="not now"):
        await world.ref().ask(Add(by=10), SYSTEM)
    assert await world.ref().ask(Get(), SYSTEM) == 1
    assert await world.ref().ask(Add(by=1), SYSTEM) == 2


async def test_a_lost_connection_is_unavailable_and_not_a_crash(world: World) -> None:
    world.store.failures.append(ConnectionError("gone"))
    with pytest.raises(Unavailable) as unavailable:
        await world.ref().ask(Add(), SYSTEM)
    assert "gone" not in str(unavailable.value)
    assert world.system.statistics()["kinds"]["counter"]["crashed"] == 0
    assert await world.ref().ask(Add(), SYSTEM) == 1


async def test_an_actor_whose_stream_moved_on_without_it_reloads(world: World) -> None:
    await world.ref().ask(Add(by=1), SYSTEM)
    world.store.streams["counter:a"] *= 2  # another house wrote event 2
    world.store.rows["counter:a"] = (50, 2)
    with pytest.raises(Unavailable):
        await world.ref().ask(Add(by=1), SYSTEM)
    assert await world.ref().ask(Add(by=1), SYSTEM) == 51


@pytest.mark.parametrize(("lost_after_commit", "value"), [(False, 0), (True, 4)])
async def test_an_unknown_outcome_is_a_timeout_and_the_rows_say_what_happened(
    world: World, *, lost_after_commit: bool, value: int
) -> None:
    world.store.lost_after_commit = lost_after_commit
    world.store.failures.append(TimeoutError())
    with pytest.raises(TimedOut):
        await world.ref().ask(Add(by=4), SYSTEM)
    assert await world.ref().ask(Get(), SYSTEM) == value


async def test_the_same_cause_takes_effect_once(world: World) -> None:
    assert await world.ref().ask(Add(by=3), SYSTEM, cause="once") == 3
    with pytest.raises(AlreadyDone):
        await world.ref().ask(Add(by=3), SYSTEM, cause="once")
    assert await world.ref().ask(Get(), SYSTEM) == 3


async def test_a_turn_may_open_another_stream_and_answer_from_its_rows(world: World) -> None:
    assert await world.ref().ask(OpenLedger(name="main"), SYSTEM) == "main"
    (opened,) = world.store.streams["ledger:main"]
    assert (opened.n, opened.type) == (1, "ledger.opened")
    assert await world.ref().ask(Get(), SYSTEM) == 0
    assert "counter:a" not in world.store.rows, "a turn without events of its own leaves the row alone"


async def test_the_idempotency_key_is_kept_in_the_same_transaction(world: World) -> None:
    key = Idempotency("POST /counters", "key-1", b"hmac")
    await world.ref().ask(Add(), Caller(user_id="u-1"), idempotency=key, cause="c-1")
    assert world.store.commits[0]["writes"][-1] == ("key", "u-1", "key-1", "made-c-1")


async def test_a_load_that_fails_is_answered_and_tried_again_for_the_next_message(world: World) -> None:
    world.store.rows["counter:a"] = (1, 2, 3)  # type: ignore[assignment] # a row that does not fit
    first = world.ref().ask(Get(), SYSTEM)
    second = world.ref().ask(Get(), SYSTEM)
    with pytest.raises(Internal):
        await first
    world.store.rows["counter:a"] = (8, 1)
    await world.pass_time(0.3)
    assert await second == 8


async def test_an_idle_actor_is_passivated_and_comes_back_from_its_rows(world: World) -> None:
    await world.ref().ask(Add(by=2), SYSTEM)
    assert world.system.statistics()["kinds"]["counter"]["actors"] == 1
    await world.pass_time(55, step=5)
    await world.ref().ask(Get(), SYSTEM)
    await world.pass_time(55, step=5)
    assert world.store.loads == 1, "not idle for 60 s at a stretch"
    await world.pass_time(125, step=5)
    assert world.system.statistics()["kinds"]["counter"]["actors"] == 0
    assert await world.ref().ask(Get(), SYSTEM) == 2
    assert world.store.loads == 2


async def test_an_idle_actor_holds_no_queue_and_no_task(world: World) -> None:
    await world.ref().ask(Note(text="x"), SYSTEM)
    await world.settle()
    (cell,) = world.system._offices["counter"].cells.values()
    assert (cell.box, cell.busy) == (None, False)
    assert not world.system._tasks


async def test_a_turn_whose_awaited_work_was_cancelled_by_others_is_a_crash_and_the_actor_goes_on(world: World) -> None:
    held = world.ref().ask(Hold(text="x"), SYSTEM)
    await world.settle()
    next(iter(world.counter.gate._waiters)).cancel()  # as a stranger could
    with pytest.raises(Internal):
        await held
    read = world.ref().ask(Get(), SYSTEM)
    await world.pass_time(0.3)
    assert await read == 0
