"""Plays seeds, with a bug planted where asked to."""

import gc
import logging
from collections.abc import Iterable
from contextlib import nullcontext
from typing import NamedTuple

from tests.simulation import bugs_of_houses  # noqa: F401 - they add themselves to the others
from tests.simulation.bugs import BUGS
from tests.simulation.invariants import Violation
from tests.simulation.world import World

SEEDS, CHUNK = 2_000, 100
"""How many every change must pass, and how many one test plays every other of."""


class Played(NamedTuple):
    """How one seed went."""

    seed: int
    violation: str | None
    steps: int


def play(seed: int, trace: list[str] | None = None, bug: str | None = None) -> Played:
    """Play one seed; ``trace`` gets a line for everything that happens."""
    before, collects = logging.root.manager.disable, gc.isenabled()
    logging.disable(logging.CRITICAL)  # houses complain a lot, and rightly so
    gc.disable()  # what it frees, and when, must not depend on what ran before
    try:
        with BUGS[bug]() if bug else nullcontext():
            world = World(seed, trace)
            try:
                world.run()
            except Violation as violation:
                return Played(seed, str(violation), world.loop.steps)
            return Played(seed, None, world.loop.steps)
    finally:
        logging.disable(before)
        if collects:
            gc.enable()


def first_violation(seeds: Iterable[int], bug: str | None = None) -> Played | None:
    """Play seeds until one breaks an invariant."""
    for count, seed in enumerate(seeds):
        played = play(seed, bug=bug)
        if played.violation is not None:
            return played
        if count % 16 == 0:
            gc.collect()
    return None


def assert_nothing_breaks(seeds: Iterable[int]) -> None:
    """Fail with the command that plays the seed again."""
    played = first_violation(seeds)
    assert played is None, f"python -m tests.simulation --seed {played.seed}: {played.violation}"
