"""How a service works at several messages at a time, and decides batches."""

import asyncio

import pytest

from actors.runtime.actor import Idempotency
from actors.runtime.errors import Internal, TimedOut, Unavailable
from actors.runtime.message import SYSTEM, Caller
from tests.runtime.conftest import World
from tests.runtime.world import Add, Ask, Break, Hold, Note, Place, Take


async def test_a_service_works_at_no_more_than_its_concurrency(world: World) -> None:
    asked = [world.service.ask(Hold(text=str(number)), SYSTEM) for number in range(5)]
    await world.settle()
    assert world.desk.handled == ["0", "1"]
    assert world.system.statistics()["kinds"]["desk"]["turns"] == 2
    world.desk.gate.set()
    assert await asyncio.gather(*asked) == ["0", "1", "2", "3", "4"]


async def test_what_waits_is_decided_together_up_to_the_bound(world: World) -> None:
    answers = await asyncio.gather(*(world.service.ask(Place(number=number + 100), SYSTEM) for number in range(25)))
    assert answers == list(range(100, 125))
    assert world.desk.batches == [10, 10, 5]
    assert len(world.store.commits) == 3


async def test_while_one_batch_is_committed_the_next_one_gathers(world: World) -> None:
    world.store.open.clear()
    asked = []
    for number in range(100, 105):
        asked.append(world.service.ask(Place(number=number), SYSTEM))
        await world.settle()
    world.store.open.set()
    await asyncio.gather(*asked)
    assert world.desk.batches == [1, 4]


async def test_the_next_batch_is_on_its_way_before_the_one_before_is_answered(world: World) -> None:
    on_its_way = []
    asked = [asyncio.ensure_future(world.service.ask(Place(number=number + 100), SYSTEM)) for number in range(20)]
    asked[0].add_done_callback(lambda _: on_its_way.append(list(world.desk.batches)))
    await asyncio.gather(*asked)
    assert on_its_way == [[10, 10]]


async def test_a_batch_with_a_reply_too_few_is_not_committed_again(world: World) -> None:
    world.desk.forgets_a_reply = True
    answers = await asyncio.gather(
        *(world.service.ask(Place(number=n), SYSTEM) for n in (1, 2)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Internal, Internal]
    assert len(world.store.commits) == 1


async def test_idempotency_keys_of_a_batch_follow_in_its_transaction_where_something_was_made(world: World) -> None:
    def key(name: str) -> Idempotency:
        return Idempotency("POST /places", name, b"")

    caller = Caller(user_id="u")
    asked = [world.service.ask(Place(number=n), caller, idempotency=key(f"k{n}")) for n in (1, 7)]
    asked.append(world.service.ask(Place(number=2), caller))
    await asyncio.gather(*asked, return_exceptions=True)
    assert world.store.commits[0]["follow"] == [("key", "u", "k1", "made-1")]


async def test_without_keys_nothing_follows_the_statement(world: World) -> None:
    await world.service.ask(Place(number=1), SYSTEM)
    assert world.store.commits[0]["follow"] is None


@pytest.mark.parametrize(
    ("failure", "heard"),
    [
        pytest.param(ConnectionError(), Unavailable, id="nothing changed"),
        pytest.param(TimeoutError(), TimedOut, id="outcome unknown"),
    ],
)
async def test_a_batch_that_cannot_be_stored_is_answered_as_a_whole_and_not_tried_again(
    world: World, failure: Exception, heard: type[Exception]
) -> None:
    world.store.failures.append(failure)
    answers = await asyncio.gather(
        *(world.service.ask(Place(number=n), SYSTEM) for n in (1, 2)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [heard, heard]
    assert world.desk.batches == [2]


async def test_a_batch_refused_as_a_whole_is_tried_one_by_one(world: World) -> None:
    world.store.failures.extend([ValueError("who was it?"), None, ValueError("this one"), None])
    answers = await asyncio.gather(
        *(world.service.ask(Place(number=n), SYSTEM) for n in (1, 2, 3)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [int, Internal, int]


async def test_a_batch_that_is_committed_but_cannot_be_settled_is_not_committed_again(world: World) -> None:
    world.desk.fails_to_settle = True
    answers = await asyncio.gather(
        *(world.service.ask(Place(number=n), SYSTEM) for n in (1, 2)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Internal, Internal]
    assert len(world.store.commits) == 1
    assert world.system.statistics()["kinds"]["desk"]["crashed"] == 1


async def test_a_service_asks_the_kinds_that_it_declares(world: World) -> None:
    await world.ref("x").ask(Add(by=9), SYSTEM)
    assert await world.service.ask(Ask(key="x"), SYSTEM) == 9


async def test_asking_an_undeclared_kind_from_inside_an_actor_crashes_the_turn(world: World) -> None:
    with pytest.raises(Internal):
        await world.service.ask(Ask(key="", kind="desk"), SYSTEM)
    assert world.system.statistics()["kinds"]["desk"]["crashed"] == 1


async def test_a_crash_delays_only_the_message_that_crashed(world: World) -> None:
    world.service.tell(Break(), SYSTEM)
    world.service.tell(Note(text="after"), SYSTEM)
    await world.settle()
    assert world.desk.handled == ["break", "after"]
    await world.pass_time(2)
    assert world.desk.handled == ["break", "after", "break", "break"]
    assert len(world.store.letters) == 1


async def test_a_refused_commit_may_be_answered_from_what_is_there(world: World) -> None:
    assert await world.service.ask(Take(name="x"), SYSTEM) == 1
    assert await world.service.ask(Take(name="x"), SYSTEM) == -1
