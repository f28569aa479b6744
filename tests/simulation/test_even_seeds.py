"""Two thousand seeds, none of which may break an invariant: here the even ones; two files, so that both cores play."""

import pytest

from tests.simulation.playing import CHUNK, SEEDS, assert_nothing_breaks


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_even_seed_breaks_an_invariant(first: int) -> None:
    assert_nothing_breaks(range(first, first + CHUNK, 2))
