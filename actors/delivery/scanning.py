"""The way of a scan: what was read becomes a code, the code a letter; the letter is asked, what it refuses is kept."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from actors.authority import normalise, normalise_printed
from actors.errors import Conflict, Forbidden, InvalidRequest, NotFound, Unprocessable
from actors.messages.delivery import KeptScan, Refusal, Scan, ScanEntry, ScanResult
from actors.runtime.actor import Ref, Turn
from actors.scans import error_of, read_scan, refusal_of
from storage.delivery import DeliveryStore

_ANSWERS = (InvalidRequest, NotFound, Forbidden, Conflict)
"""What a letter says to a scan. Anything else is trouble of ours: nothing is kept, and the phone tries again."""


class Scanned(NamedTuple):
    """What became of a scan. ``refused`` None: it was applied, or repeats what is so already."""

    entry: ScanEntry
    letter_id: str | None
    result: ScanResult
    refused: Refusal | None = None
    is_kept: bool = True

    def raise_refusal(self) -> None:
        """Raise what a refused scan is answered with."""
        if self.refused is not None:
            raise error_of(self.refused)


class Scanner:
    """Asks letters. Everything that a phone sends again under the same name is answered as it was at first."""

    def __init__(self, store: DeliveryStore, ref: Callable[[str, str], Ref]) -> None:
        self._store = store
        self._ref = ref

    async def scan(self, given: ScanEntry, turn: Turn) -> Scanned:
        """Let one scan take effect. Raises `Unprocessable`: the name was given to another scan; `Unavailable`.

        That its name was taken is found when it is kept, in the letter's turn; only then the first one is read.
        """
        user_id = turn.caller.user_id or ""
        entry = replace(given, scanned_at=given.scanned_at or turn.now)
        letter_id = None
        try:
            entry, letter_id = await self._read(entry)
            result = await self._ref("letter", letter_id).ask(Scan(letter_id=letter_id, entry=entry), turn.caller)
        except _ANSWERS as error:
            earlier = await self._store.get_scan(user_id, given.client_scan_id)
            if earlier is not None:
                return _again(read_scan(earlier), entry)
            return Scanned(entry, letter_id, "refused", refusal_of(error), is_kept=False)
        return Scanned(entry, letter_id, result)

    async def scan_all(self, given: Sequence[ScanEntry], turn: Turn) -> list[Scanned]:
        """Let many take effect, one after the other in the order of their times; the answers in the order given.

        Clocks of phones may be off: of one batch all are off alike, so the order holds.
        """
        order = sorted(range(len(given)), key=lambda i: given[i].scanned_at or turn.now)
        found: dict[int, Scanned] = {}
        for i in order:
            found[i] = await self.scan(given[i], turn)
        return [found[i] for i in range(len(given))]

    async def _read(self, entry: ScanEntry) -> tuple[ScanEntry, str]:
        """Find the letter. Raises `InvalidRequest` where a code cannot be one, `NotFound`, `Conflict`."""
        code = normalise_printed(entry.code, "$.code")
        place = normalise(entry.op_code, path="$.op_code")
        found = await self._store.find_envelope(code)
        if found is None:
            raise NotFound("no letter has this code")
        label = found["label_status"]
        if label in {"cancelled", "expired"} or found["letter_id"] is None:
            raise Conflict(f"this label is {label}", **{"from": label, "to": entry.action})
        return replace(entry, code=code, op_code=place), found["letter_id"]


def _again(kept: KeptScan, entry: ScanEntry) -> Scanned:
    if kept.action != entry.action or not _same_code(kept.code, entry.code):
        raise Unprocessable("another scan has had this client_scan_id")
    result: ScanResult = "refused" if kept.refusal is not None else "repeated"
    return Scanned(entry, kept.letter_id, result, kept.refusal)


def _same_code(kept: str, given: str) -> bool:
    try:
        return kept in {given, normalise_printed(given)}
    except InvalidRequest:
        return kept == given
