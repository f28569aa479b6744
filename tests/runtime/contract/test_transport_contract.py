"""What every transport promises, written once and run over each of them."""

import asyncio

import pytest

from actors.runtime.errors import Internal, Overloaded, TimedOut, Unavailable
from actors.runtime.message import SYSTEM, Caller
from tests.runtime.conftest import World
from tests.runtime.world import Add, Break, Get, Hold, Note, Place, Refuse, Refused, Who


async def test_an_ask_is_answered_with_the_reply(world: World) -> None:
    assert await world.ref().ask(Add(by=2), SYSTEM) == 2
    assert await world.ref().ask(Get(), SYSTEM) == 2


async def test_a_refusal_arrives_with_its_class_detail_and_extras(world: World) -> None:
    with pytest.raises(Refused) as refused:
        await world.ref().ask(Refuse(), SYSTEM)
    assert refused.value.detail == "no"
    assert refused.value.extra == {"reason": "principle"}


async def test_messages_of_one_sender_arrive_in_order_asks_and_tells_mixed(world: World) -> None:
    answers = []
    for number in range(0, 60, 3):
        world.ref().tell(Note(text=str(number)), SYSTEM)
        answers.append(world.ref().ask(Note(text=str(number + 1)), SYSTEM))
        world.ref().tell(Note(text=str(number + 2)), SYSTEM)
    await asyncio.gather(*answers)
    await world.settle()
    assert world.counter.handled == [str(number) for number in range(60)]


async def test_order_holds_across_turns_that_wait(world: World) -> None:
    held = world.ref().ask(Hold(text="first"), SYSTEM)
    for number in range(5):
        world.ref().tell(Note(text=str(number)), SYSTEM)
    await world.settle()
    assert world.counter.handled == ["first"]
    world.counter.gate.set()
    assert await held == "first"
    await world.settle()
    assert world.counter.handled == ["first", "0", "1", "2", "3", "4"]


async def test_a_full_mailbox_refuses_and_accepts_again_when_there_is_room(world: World) -> None:
    held = world.ref().ask(Hold(text="first"), SYSTEM)
    await world.settle()
    for number in range(100):
        world.ref().tell(Note(text=str(number)), SYSTEM)
    with pytest.raises(Overloaded):
        world.ref().tell(Note(text="too much"), SYSTEM)
    with pytest.raises(Overloaded):
        await world.ref().ask(Get(), SYSTEM)
    assert await world.ref("other").ask(Get(), SYSTEM) == 0, "a full mailbox is its own actor's matter"
    world.counter.gate.set()
    await held
    await world.settle()
    assert await world.ref().ask(Get(), SYSTEM) == 0
    assert "too much" not in world.counter.handled


async def test_the_whole_house_is_bounded(world: World) -> None:
    for key in "abc":
        world.ref(key).tell(Hold(text=key), SYSTEM)
    await world.settle()
    for key in "abc":
        for _ in range(100):
            world.ref(key).tell(Note(text=key), SYSTEM)
    with pytest.raises(Overloaded):
        world.ref("d").tell(Note(text="d"), SYSTEM)


async def test_an_ask_without_an_answer_times_out_and_its_turn_goes_on(world: World) -> None:
    held = world.ref().ask(Hold(text="slow"), SYSTEM, timeout_seconds=1)
    await world.settle()
    await world.pass_time(0.9)
    assert not held.done()  # type: ignore[attr-defined]
    await world.pass_time(0.4)
    with pytest.raises(TimedOut):
        await held
    world.counter.gate.set()
    assert await world.ref().ask(Get(), SYSTEM) == 0, "the turn ended and the next one came"


async def test_an_expired_message_is_answered_in_time_and_never_started(world: World) -> None:
    world.ref().tell(Hold(text="slow"), SYSTEM)
    await world.settle()
    late = world.ref().ask(Note(text="late"), SYSTEM, timeout_seconds=1)
    await world.pass_time(1.3)
    with pytest.raises(TimedOut):
        await late
    world.counter.gate.set()
    await world.settle()
    assert world.counter.handled == ["slow"]
    assert world.system.statistics()["kinds"]["counter"]["expired"] == 1


async def test_giving_up_the_wait_does_not_stop_the_turn(world: World) -> None:
    asked = asyncio.ensure_future(world.ref().ask(Note(text="done"), SYSTEM))
    asked.cancel()
    await world.settle()
    assert world.counter.handled == ["done"]


async def test_a_tell_that_crashes_its_actor_is_delivered_three_times_then_a_dead_letter(world: World) -> None:
    world.ref().tell(Break(password="hunter2"), SYSTEM)
    world.ref().tell(Note(text="after"), SYSTEM)
    await world.settle()
    assert world.counter.handled == ["break"], "the actor waits for its restart, and the next message for the first"
    await world.pass_time(2)
    assert world.counter.handled == ["break", "break", "break", "after"]
    assert [(letter.kind, letter.key, letter.attempts) for letter in world.store.letters] == [("counter", "a", 3)]


async def test_an_ask_that_crashes_is_answered_at_once_and_not_tried_again(world: World) -> None:
    with pytest.raises(Internal) as crashed:
        await world.ref().ask(Break(password="hunter2"), SYSTEM)
    assert "hunter2" not in str(crashed.value)
    await world.pass_time(2)
    assert world.counter.handled == ["break"]
    assert world.store.letters == []


async def test_a_crash_in_a_batch_hits_only_the_culprit(world: World) -> None:
    asked = [world.service.ask(Place(number=number), SYSTEM) for number in (1, 13, 7, 3)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [int, Internal, Refused, int]
    assert world.desk.batches == [4, 1, 1, 1, 1]
    assert world.system.statistics()["kinds"]["desk"]["crashed"] == 1


async def test_at_stop_waiting_turns_are_finished_within_the_grace(world: World) -> None:
    held = world.ref().ask(Hold(text="last"), SYSTEM)
    after = world.ref().ask(Get(), SYSTEM)
    await world.settle()
    stopping = asyncio.create_task(world.system.stop(5))
    await world.settle()
    with pytest.raises(Unavailable):
        await world.ref().ask(Get(), SYSTEM)
    world.counter.gate.set()
    await stopping
    assert (await held, await after) == ("last", 0)


async def test_at_stop_every_message_left_is_answered(world: World) -> None:
    running = world.ref().ask(Hold(text="never ends"), SYSTEM)
    left = [world.ref().ask(Get(), SYSTEM) for _ in range(3)]
    await world.settle()
    await world.system.stop(0)
    with pytest.raises(TimedOut):
        await running
    for answer in left:
        with pytest.raises(Unavailable, match="stopping"):
            await answer
    with pytest.raises(Unavailable):
        world.ref().tell(Note(text="late"), SYSTEM)
    assert world.system.waiting == 0


async def test_the_caller_travels_on(world: World) -> None:
    caller = Caller(user_id="u-1", scopes=frozenset({"read"}))
    assert await world.service.ask(Who(), caller) == ("u-1", "")
