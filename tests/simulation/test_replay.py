"""A seed is all that a run depends on: not what ran before it, not the process, not where objects lie in memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.playing import play

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("seed", range(6))
def test_a_seed_played_twice_leaves_the_same_trace(seed: int) -> None:
    first: list[str] = []
    again: list[str] = []
    assert play(seed, first) == play(seed, again)
    assert len(first) > 100
    assert first == again


def test_other_seeds_leave_other_traces() -> None:
    first: list[str] = []
    other: list[str] = []
    play(1, first)
    play(2, other)
    assert first != other


def test_a_seed_leaves_the_same_trace_in_every_process() -> None:
    def lines(seed: int, hash_seed: str) -> list[str]:
        command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed)]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[:-1]  # the last line tells how long it took

    for seed in (3, 21):
        trace: list[str] = []
        play(seed, trace)
        assert lines(seed, "1") == lines(seed, "2") == trace


def test_a_planted_bug_can_be_replayed_from_the_command_line() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seed", "0", "--bug", "ack_before_commit"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "was acknowledged and is not kept" in done.stdout.splitlines()[-1]
