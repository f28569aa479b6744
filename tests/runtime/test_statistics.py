"""What the system tells about itself, and what travels with a message."""

from actors.runtime.engine.statistics import Statistics
from actors.runtime.envelope import CURRENT, Current
from actors.runtime.message import SYSTEM, Caller
from tests.runtime.conftest import World
from tests.runtime.world import Add, Ask, Hold, Note, Who


def test_percentiles_are_bounds_of_buckets_that_double() -> None:
    statistics = Statistics()
    assert statistics.percentile_ms(0.5) == 0.0
    statistics.record(0.99 * 0.000003, 99)
    statistics.record(0.1, 1)
    assert statistics.handled == 100
    assert statistics.percentile_ms(0.5) == 0.001
    assert statistics.percentile_ms(0.995) == 131.072


async def test_depth_and_age_of_what_waits_are_told_per_kind(world: World) -> None:
    world.ref().tell(Hold(text="x"), SYSTEM)
    await world.settle()
    world.ref().tell(Note(text="y"), SYSTEM)
    world.ref().tell(Note(text="z"), SYSTEM)
    await world.pass_time(2)
    counter = world.system.statistics()["kinds"]["counter"]
    assert (counter["depth"], counter["turns"], counter["actors"]) == (2, 1, 1)
    assert 1.8 < counter["oldest_seconds"] < 2.2
    world.counter.gate.set()
    await world.settle()
    counter = world.system.statistics()["kinds"]["counter"]
    assert (counter["depth"], counter["turns"], counter["handled"]) == (0, 0, 3)


async def test_it_is_told_who_waits_for_whom(world: World) -> None:
    world.store.open.clear()
    added = world.ref("x").ask(Add(), SYSTEM)
    asked = world.service.ask(Ask(key="x"), SYSTEM)
    await world.pass_time(1)
    (wait,) = world.system.statistics()["waits"]
    assert (wait["from"], wait["to"]) == ("desk", "counter")
    assert 0.8 < wait["seconds"] < 1.2
    world.store.open.set()
    assert (await added, await asked) == (1, 1)
    assert world.system.statistics()["waits"] == []


async def test_caller_and_trace_travel_through_every_actor(world: World) -> None:
    CURRENT.set(Current(None, "00-abc-def-01"))
    assert await world.service.ask(Who(), Caller(user_id="u")) == ("u", "00-abc-def-01")


async def test_a_trace_does_not_leak_into_the_next_message(world: World) -> None:
    CURRENT.set(Current(None, "00-abc-def-01"))
    traced = world.service.ask(Who(), SYSTEM)
    CURRENT.set(None)
    untraced = world.service.ask(Who(), SYSTEM)
    assert (await traced, await untraced) == ((None, "00-abc-def-01"), (None, ""))
