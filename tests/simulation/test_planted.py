"""The simulation is proved by what it finds: each classic bug, planted alone, is found within a few seeds."""

import pytest

from tests.simulation.bugs import BUGS
from tests.simulation.playing import first_violation, play

SEEDS = 300


@pytest.mark.parametrize("bug", BUGS)
def test_each_planted_bug_is_found(bug: str) -> None:
    found = first_violation(range(SEEDS), bug)
    assert found is not None, f"{SEEDS} seeds did not find it"
    assert play(found.seed).violation is None, "the seed holds without the bug, so it was the bug that was found"
