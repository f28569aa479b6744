"""The units, as systemd itself reads them."""

from pathlib import Path

import pytest

from app.config import ROOT
from tests.deploy.conftest import DEPLOY, judged, tool

UNITS = {"posthouse.service": "posthouse.service", "house-template.service": "posthouse@.service"}


def placed(folder: Path, unit: str) -> Path:
    """The unit as it is installed, for a checkout that lies here."""
    path = folder / UNITS[unit]
    path.write_text((DEPLOY / "systemd" / unit).read_text().replace("/opt/posthouse", str(ROOT)))
    return path


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_takes_the_unit(unit: str, tmp_path: Path) -> None:
    assert judged(tool("systemd-analyze"), "verify", "--man=no", placed(tmp_path, unit)) == ""


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_leaves_the_house_time_and_its_postgresql_alone(unit: str) -> None:
    lines = (DEPLOY / "systemd" / unit).read_text().splitlines()
    assert "KillMode=mixed" in lines and "Restart=always" in lines
    [patience] = [line for line in lines if line.startswith("TimeoutStopSec=")]
    assert int(patience.partition("=")[2]) >= 20
