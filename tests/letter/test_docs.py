"""docs/letters.md shows the tables as they are."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from actors.moves import LABEL, LETTER, TASK, Move

PAGE = Path(__file__).resolve().parents[2] / "docs" / "letters.md"


def shown(table: Sequence[Move]) -> str:
    """A table as the page shows it."""
    lines = [f"| `{move.before}` | `{move.after}` | {', '.join(move.who)} |" for move in table]
    return "\n".join(["| from | to | who |", "| --- | --- | --- |", *lines])


@pytest.mark.parametrize(("name", "table"), [("letter", LETTER), ("task", TASK), ("label", LABEL)])
def test_the_page_shows_the_table(name: str, table: Sequence[Move]) -> None:
    found = re.search(rf"<!-- table: {name} -->\n(.*?)\n<!-- end -->", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    assert found[1] == shown(table)
