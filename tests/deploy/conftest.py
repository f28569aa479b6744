"""What lies in deploy/, and the tools that judge it. Where a tool is missing, its tests are skipped and say so."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.config import ROOT

DEPLOY = ROOT / "deploy"


def tool(name: str) -> str:
    """The path of an outside program."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed: what it would judge was not judged")
    return path


def judged(*command: str | Path, cwd: Path = DEPLOY, environment: dict[str, str] | None = None) -> str:
    """Run a tool, and insist that it is content; what it said."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def documents(*paths: Path) -> Iterator[dict[str, Any]]:
    """Every YAML document of some files."""
    for path in paths:
        yield from (document for document in yaml.safe_load_all(path.read_text()) if document is not None)


@pytest.fixture
def compose() -> dict[str, Any]:
    """The compose file, with what it merges."""
    [document] = documents(DEPLOY / "compose.yaml")
    return document
