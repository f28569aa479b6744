"""What commands on this machine may know of the running cluster: ``cluster.json`` in its data folder."""

import os
from pathlib import Path

import msgspec

FILE = "cluster.json"


class KeptHouse(msgspec.Struct, frozen=True):
    """One house: its process, where it can be asked itself, and its own data folder. ``pid`` is 0 while it is down."""

    name: str
    pid: int
    url: str
    data: str


class Roster(msgspec.Struct, frozen=True):
    """The cluster's process and its houses."""

    pid: int
    houses: list[KeptHouse]


def write_roster(data: Path, roster: Roster) -> None:
    """Replace the file at once."""
    fresh = data / f"{FILE}.new"
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(roster)))
    fresh.replace(data / FILE)


def read_roster(data: Path) -> Roster | None:
    """Read the file; None when no cluster runs on this data folder."""
    try:
        roster = msgspec.json.decode((data / FILE).read_bytes(), type=Roster)
        os.kill(roster.pid, 0)
    except (OSError, msgspec.MsgspecError):
        return None
    return roster
