"""The report of ``main.py faults``: a row for every fault that was borne, and a verdict."""

from app.cli.faults import page

OUTCOME = {
    "fault": "4: frozen beyond its lease", "acknowledged": 4372, "replayed": 1, "left": 1, "refused": {"503": 12},
    "slowest_seconds": 6.75, "owned_writes": 4241, "two_owners": 0, "rounds": 1, "frozen_seconds": 15.0,
}  # fmt: skip


def test_every_outcome_has_its_row() -> None:
    text = page([OUTCOME, OUTCOME | {"refused": {}}], 0)
    row = "| 4: frozen beyond its lease | 4372 | 1 | 1 | 0 | 12 with 503 | 6.75 s | rounds 1; frozen seconds 15.0 |"
    assert row in text and row.replace("12 with 503", "none") in text
    assert "Everything held." in text


def test_a_failure_is_the_first_thing_that_it_says() -> None:
    assert page([], 1).splitlines()[2].startswith("**Something did not hold")
