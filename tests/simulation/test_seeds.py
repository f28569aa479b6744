"""Two thousand seeds, none of which may break an invariant. One that does: ``python -m tests.simulation --seed N``."""

import pytest

from tests.simulation.playing import first_violation

SEEDS, CHUNK = 2_000, 50


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_seed_breaks_an_invariant(first: int) -> None:
    played = first_violation(range(first, first + CHUNK))
    assert played is None, f"python -m tests.simulation --seed {played.seed}: {played.violation}"
