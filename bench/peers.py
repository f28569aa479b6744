"""The peers' own benchmark drivers, run with the product as one more contestant."""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.house import ROOT

RESULTS = ROOT / "bench" / "results"


class Peers:
    """The folder with the drivers, and where its ``setup.sh`` has put the peers (PEERS_HOME)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Path(os.environ.get("PEERS_HOME", Path(tempfile.gettempdir()) / "peers"))

    def drive(self, driver: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Any:
        """Run ``<driver>/bench.py``, which prints its tables, and return what it wrote, per test and contestant."""
        out = RESULTS / f"{driver}.json"
        RESULTS.mkdir(exist_ok=True)
        out.unlink(missing_ok=True)
        script = [str(self.home / "va/bin/python"), str(self.folder / driver / "bench.py"), "--out", str(out)]
        ended = subprocess.run(
            [*script, *arguments],
            check=False,
            cwd=RESULTS,
            env=os.environ | {"PEERS_HOME": str(self.home)} | dict(environment or {}),
        )
        if ended.returncode or not out.exists():
            sys.exit(f"{driver}: the driver failed")
        return json.loads(out.read_bytes())


@contextlib.contextmanager
def find(folder: str | None) -> Iterator[Peers]:
    """The peers, from the flag or POSTHOUSE_PEERS: a copy, with our request script and our chat client in place."""
    where = folder or os.environ.get("POSTHOUSE_PEERS")
    if not where or not (Path(where) / "setup.sh").is_file():
        sys.exit("Where are the peers? Give their folder with --peers or POSTHOUSE_PEERS (bench/README.md)")
    with tempfile.TemporaryDirectory(prefix="posthouse-peers-") as scratch:
        copy = Path(scratch) / "peers"
        shutil.copytree(where, copy, copy_function=shutil.copyfile)
        shutil.copyfile(ROOT / "bench" / "wrk.lua", copy / "2_http" / "wrk.lua")
        shutil.move(copy / "3_chat" / "client.py", copy / "3_chat" / "peers_client.py")  # ours runs it
        shutil.copyfile(ROOT / "bench" / "chat_client.py", copy / "3_chat" / "client.py")
        peers = Peers(copy)
        if not (peers.home / "va").is_dir():
            sys.exit(f"The peers are not installed in {peers.home}: run {where}/setup.sh (PEERS_HOME says where to)")
        yield peers


def median(runs: Sequence[Mapping[str, Any]], figure: str) -> float | None:
    """The median of a figure over runs; None where no run has it, or where one of them has refused requests."""
    if any(one.get("bad") for one in runs):
        return None
    found = [one[figure] for one in runs if one.get(figure) is not None]
    return statistics.median(found) if found else None


def ratios(tests: Mapping[str, Any], figure: str, product: str = "product") -> str:
    """A table: the product's figure in each test, divided by that of each other contestant."""
    names = sorted({name for test in tests.values() for name in test if name != product})
    rows = [f"| product / | {' | '.join(tests)} |", "|---|" + "---:|" * len(tests)]
    for name in names:
        cells = [
            _ratio(median(test.get(product, []), figure), median(test.get(name, []), figure)) for test in tests.values()
        ]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def figures(tests: Mapping[str, Any], names: Sequence[str], product: str = "product") -> str:
    """A table: what the product alone says of itself in each test, as medians."""
    rows = [f"| {product} | {' | '.join(tests)} |", "|---|" + "---:|" * len(tests)]
    for name in names:
        found = [statistics.median(run.get(name, 0) for run in test.get(product, ())) for test in tests.values()]
        rows.append(f"| {name} | {' | '.join(f'{one:,.4g}' for one in found)} |")
    return "\n".join(rows)


def _ratio(ours: float | None, theirs: float | None) -> str:
    return f"{ours / theirs:.2f}" if ours and theirs else "-"
