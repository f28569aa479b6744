"""How commands on this machine find the running house, and prove that they may ask it things.

At each start the house writes ``operator.json`` into its data folder, readable by its own user only: its address and
an API key of the first super_admin. Whoever can read the data folder could read the database too.
"""

import os
from pathlib import Path

import msgspec

FILE = "operator.json"


class Operator(msgspec.Struct, frozen=True):
    """The running house, a key to it, and its database."""

    url: str
    api_key: str
    api_key_id: str = ""
    dsn: str = ""


def write_operator(data: Path, operator: Operator) -> None:
    """Replace the file at once, with mode 0600."""
    temporary = data / f"{FILE}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(operator))
    temporary.replace(data / FILE)


def read_operator(data: Path) -> Operator | None:
    """Read the file; None when no house has been started with this data folder."""
    try:
        return msgspec.json.decode((data / FILE).read_bytes(), type=Operator)
    except (OSError, msgspec.MsgspecError):
        return None
