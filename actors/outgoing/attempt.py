"""Some leased rows on their way out together."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from actors.outgoing.port import Entry, Parcel


class Attempt(NamedTuple):
    """Rows of one parcel under one lease, oldest first. None are left of a parcel that is not needed any more."""

    lease: str
    rows: Sequence[Any]

    @property
    def ids(self) -> list[str]:
        """The rows' ids."""
        return [row["id"] for row in self.rows]

    @property
    def number(self) -> int:
        """1 for the first attempt. The rows of a parcel are always tried together."""
        return int(self.rows[0]["attempts"])

    def parcel(self, username: str, address: str) -> Parcel:
        """What the sender gets."""
        first = self.rows[0]
        return Parcel(first["parcel"], first["user_id"], username, address, [entry(row) for row in self.rows])


def entry(row: Any) -> Entry:
    """Make an entry from its row."""
    return Entry(
        id=row["id"], notification_id=row["notification_id"], type=row["type"], title=row["title"], body=row["body"],
        data=msgspec.json.decode(row["data"]), priority=row["priority"], created_at=row["created_at"],
        sealed=row["sealed"],
    )  # fmt: skip
