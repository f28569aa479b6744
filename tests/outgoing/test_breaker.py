"""The circuit breaker, on a clock of the test's own."""

from hypothesis import example, given
from hypothesis import strategies as st

from actors.outgoing.breaker import Breaker
from actors.runtime.clock import ManualClock


def make(clock: ManualClock) -> Breaker:
    return Breaker(clock.monotonic, failures=3, seconds=10.0, longest_seconds=25.0)


def open_it(breaker: Breaker) -> None:
    assert [breaker.fail() for _ in range(3)] == [False, False, True]


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = make(ManualClock())
    for _ in range(5):
        assert not breaker.fail()
        assert not breaker.fail()
        assert not breaker.succeed()
    assert (breaker.state, breaker.allows(4)) == ("closed", 4)
    open_it(breaker)
    assert (breaker.state, breaker.allows(4), breaker.seconds_left) == ("open", 0, 10.0)


def test_after_its_pause_one_thing_is_tried_and_closes_it() -> None:
    clock = ManualClock()
    breaker = make(clock)
    open_it(breaker)
    clock.advance(9.9)
    assert breaker.allows(4) == 0
    clock.advance(0.1)
    assert (breaker.state, breaker.allows(4), breaker.allows(0)) == ("half_open", 1, 0)
    assert breaker.succeed()
    assert (breaker.state, breaker.allows(4)) == ("closed", 4)
    assert [breaker.fail() for _ in range(2)] == [False, False]  # it counts anew


def test_a_failed_trial_opens_it_for_twice_as_long_up_to_a_bound() -> None:
    clock = ManualClock()
    breaker = make(clock)
    open_it(breaker)
    for pause in (20.0, 25.0, 25.0):
        clock.advance(breaker.seconds_left)
        assert breaker.fail()
        assert breaker.seconds_left == pause
    clock.advance(25.0)
    breaker.succeed()
    open_it(breaker)
    assert breaker.seconds_left == 10.0


def test_what_was_still_under_way_does_not_prolong_the_pause() -> None:
    clock = ManualClock()
    breaker = make(clock)
    open_it(breaker)
    clock.advance(5.0)
    assert not breaker.fail()
    assert breaker.seconds_left == 5.0


@given(st.lists(st.one_of(st.booleans(), st.floats(0, 60))))
@example([False, False, False, 1.6565034630823519, 55.3138505291382, False, 47.0, False])
def test_whatever_happens_it_lets_something_through_after_its_longest_pause(story: list[bool | float]) -> None:
    clock = ManualClock()
    breaker = make(clock)
    for step in story:
        if isinstance(step, bool):
            _ = breaker.succeed() if step else breaker.fail()
        else:
            clock.advance(step)
        assert 0 <= breaker.seconds_left <= 25.0
        assert (breaker.allows(4) == 0) == (breaker.seconds_left > 0) == (breaker.state == "open")
    clock.advance(25.0)
    assert breaker.allows(4) >= 1
