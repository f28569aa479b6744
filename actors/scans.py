"""Scans as they are kept: what a row holds. Rules that are no actor.

Those that do something are written by the letter's turn, those that were refused by who has asked the letter.
"""

from datetime import datetime
from typing import Any

import msgspec

from actors.errors import Conflict, DomainError, Forbidden, InvalidRequest, NotFound
from actors.messages.delivery import KeptScan, Location, Refusal, ScanEntry, ScanResult
from actors.runtime.ids import uuid7
from storage import queries
from storage.postgres import Record
from storage.write import Write

Q = queries.load("delivery")
_TAKEN = {"scan_client_key": Conflict("this scan has arrived before")}
_ERRORS: dict[str, type[DomainError]] = {kind.code: kind for kind in (Conflict, Forbidden, NotFound)}


def keep_scan(
    courier_id: str, letter_id: str | None, entry: ScanEntry, now: datetime, *, result: ScanResult,
    refused: Refusal | None = None,
) -> Write:  # fmt: skip
    """The write that keeps a scan.

    Where one of this name was kept before, the turn is refused (`Conflict`); a refused one changes nothing then.
    """
    where = entry.location
    row = (
        uuid7(), courier_id, entry.client_scan_id, letter_id, entry.code, entry.action, entry.op_code,
        None if where is None else where.lat, None if where is None else where.lng, entry.note, entry.photo_id,
        entry.scanned_at or now, now, result, None if refused is None else msgspec.json.encode(refused).decode(),
    )  # fmt: skip
    if refused is not None:
        return Write(Q.insert_refused_scan, row)
    return Write(Q.insert_scan, row, constraints=_TAKEN)


def refusal_of(error: DomainError) -> Refusal:
    """What is kept of a refusal, and told in a batch."""
    before, after = (error.extra.get(name) for name in ("from", "to"))
    faults: Any = error.extra.get("errors")
    return Refusal(
        code=error.code, detail=error.detail, from_=None if before is None else str(before),
        to=None if after is None else str(after), path=faults[0]["path"] if faults else None,
    )  # fmt: skip


def error_of(refused: Refusal) -> DomainError:
    """The refusal once more, as an error."""
    extra = {name: value for name, value in (("from", refused.from_), ("to", refused.to)) if value is not None}
    kind = _ERRORS.get(refused.code)
    return InvalidRequest(refused.detail, refused.path or "$.code") if kind is None else kind(refused.detail, **extra)


def read_scan(row: Record) -> KeptScan:
    """A scan from its row."""
    fields = {name: row[name] for name in KeptScan.__struct_fields__ if name not in {"location", "refusal"}}
    where = None if row["lat"] is None else Location(row["lat"], row["lng"])
    refused = None if row["refusal"] is None else msgspec.json.decode(row["refusal"], type=Refusal)
    return KeptScan(location=where, refusal=refused, **fields)
