"""The timeline of a letter, told from its own stream: every move, scan and hand-over."""

from typing import Any

import msgspec

from actors.letter.views import Viewer
from actors.messages.letter import LetterStep
from storage.postgres import Record

STEPS = ("letter.moved", "letter.labelled", "delivery.offered", "delivery.changed")
"""The events that are lines of a timeline, but for what a task does because its letter does."""
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def step_of(row: Record, viewer: Viewer) -> LetterStep:
    """One line, from an event. Places are whole, and couriers named, only for whom that is."""
    told = _decode(row["body"])
    private = told.get("private") or {}
    handled = private.get("task") or private
    place = told.get("place")
    if viewer.sees_places:
        place = private.get("place") or (handled.get("current_op") if place else None) or place
    return LetterStep(
        n=row["n"], step=_name(row["type"], told), from_=told.get("from"), to=told.get("to"), place=place,
        courier_id=handled.get("courier_id") if viewer.sees_places else None,
        note=private.get("note") if viewer.sees_places else None, at=row["at"],
    )  # fmt: skip


def _name(kind: str, told: dict[str, Any]) -> str:
    if kind == "letter.moved":
        return str(told["to"])
    return {"letter.labelled": "labelled", "delivery.offered": "offered"}.get(kind) or str(told["step"])
