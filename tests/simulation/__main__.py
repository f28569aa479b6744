"""Plays one seed, and prints everything that happens: ``python -m tests.simulation --seed 42``."""

import argparse
import time
from hashlib import sha256

from tests.simulation.bugs import BUGS
from tests.simulation.playing import play


def main() -> int:
    """Play a seed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bug", choices=BUGS, help="plant one of the bugs that the simulation is proved with")
    args = parser.parse_args()
    trace: list[str] = []
    started = time.perf_counter()
    played = play(args.seed, trace, args.bug)
    seconds = time.perf_counter() - started
    digest = sha256("\n".join(trace).encode()).hexdigest()[:16]
    for line in trace:
        print(line)  # noqa: T201
    outcome = "held" if played.violation is None else f"VIOLATED: {played.violation}"
    print(f"seed {args.seed}: {outcome}; trace {digest}, {played.steps} steps, {seconds:.3f} s")  # noqa: T201
    return int(played.violation is not None)


if __name__ == "__main__":
    raise SystemExit(main())
