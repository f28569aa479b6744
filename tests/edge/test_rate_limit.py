"""The limiter by itself, with a clock of the test's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.rate_limit import Limit, LimitSettings, Rate, limits


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_then_one_per_step() -> None:
    clock = Clock()
    limit = Limit(Rate.parse("60/minute burst 3"), clock=clock)
    assert [limit.take("a").remaining for _ in range(3)] == [2, 1, 0]
    refused = limit.take("a")
    assert refused.wait_seconds == pytest.approx(1.0)
    assert limit.take("b").wait_seconds == 0
    clock.now += 1.0
    assert limit.take("a").wait_seconds == 0
    assert limit.take("a").wait_seconds > 0


def test_what_is_refused_is_not_counted() -> None:
    clock = Clock()
    limit = Limit(Rate.parse("1/second"), clock=clock)
    for _ in range(100):
        limit.take("a")
    clock.now += 1.0
    assert limit.take("a").wait_seconds == 0


@given(st.lists(st.floats(0, 3), min_size=1, max_size=200), st.integers(1, 20))
def test_no_more_than_the_burst_and_the_rate_ever_pass(pauses: list[float], burst: int) -> None:
    clock = Clock()
    limit = Limit(Rate(10, 1, burst), clock=clock)
    began, passed = clock.now, 0
    for pause in pauses:
        clock.now += pause
        passed += limit.take("a").wait_seconds == 0
        assert passed <= burst + (clock.now - began) * 10 + 1e-3


def test_memory_is_bounded_and_the_active_are_remembered() -> None:
    limit = Limit(Rate.parse("1/hour"), max_keys=100, clock=Clock())
    limit.take("a")
    for n in range(150):
        limit.take(str(n))
    assert limit.take("a").wait_seconds > 0
    for n in range(10_000):
        limit.take(str(n))
    assert len(limit._young) + len(limit._old) <= 200


@pytest.mark.parametrize("text", ["", "0/minute", "10/day", "10", "10/minute burst 0", "-1/second"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"rate|burst"):
        LimitSettings(read=text)


def test_limits_can_be_switched_off() -> None:
    assert limits(LimitSettings(enabled=False)) == {}
    assert limits(LimitSettings()).keys() == {"read", "write", "auth", "worker"}
