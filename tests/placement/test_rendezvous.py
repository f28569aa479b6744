"""Who should own what: even, the same for all, and little moves."""

from collections import Counter

import pytest

from actors.runtime.placement.rendezvous import share, winner


@pytest.mark.parametrize("houses", [1, 2, 3, 10])
def test_partitions_are_spread_evenly(houses: int) -> None:
    spread = Counter(share(256, range(1, houses + 1)).values())
    assert len(spread) == houses
    assert max(spread.values()) < 256 / houses * 1.5 + 1


def test_a_house_that_comes_takes_from_all_and_nothing_else_moves() -> None:
    before, after = share(256, [1, 2, 3]), share(256, [1, 2, 3, 4])
    moved = {number for number in before if before[number] != after[number]}
    assert {after[number] for number in moved} == {4}
    assert 40 < len(moved) < 90
    assert {before[number] for number in moved} == {1, 2, 3}


def test_the_order_in_which_houses_are_seen_does_not_matter() -> None:
    assert share(256, [3, 1, 2]) == share(256, [1, 2, 3])


def test_without_houses_nobody_owns_anything() -> None:
    assert winner(7, []) is None
