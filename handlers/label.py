"""Labels on the wire."""

from actors.messages.label import (
    BindLabel,
    CancelLabel,
    DrawLabels,
    GetBatch,
    GetLabel,
    ListBatches,
    ListLabels,
    MakeLabels,
)
from handlers.operation import Operation

_TAG = "label"
_LETTER = "01990a1b-5c00-7000-8000-00000000000e"

OPERATIONS = [
    Operation(
        method="POST", path="/labels/batches", message=MakeLabels, to="labels", tag=_TAG, rate="write", status=201,
        creates=lambda batch_id: GetBatch(batch_id=batch_id), errors=("forbidden", "conflict"),
        summary="Make a batch of labels to print, as a courier of level 3 or above",
        example={"count": 48, "note": "For building 5"},
    ),
    Operation(
        method="GET", path="/labels/batches", message=ListBatches, to="labels", tag=_TAG,
        summary="Batches that I have made, newest first",
    ),
    Operation(
        method="GET", path="/labels/batches/{batch_id}", message=GetBatch, to="labels", tag=_TAG, summary="One batch",
        errors=("not_found",),
    ),
    Operation(
        method="GET", path="/labels/batches/{batch_id}/labels", message=ListLabels, to="labels", tag=_TAG,
        summary="The labels of a batch, by code", errors=("not_found",),
    ),
    Operation(
        method="GET", path="/labels/batches/{batch_id}/sheet.svg", message=DrawLabels, to="labels", tag=_TAG,
        media="image/svg+xml", summary="A page of 24 labels to print", errors=("not_found",),
    ),
    Operation(
        method="GET", path="/labels/{code}", message=GetLabel, to="labels", tag=_TAG, summary="A label by its code",
        errors=("not_found",),
    ),
    Operation(
        method="POST", path="/labels/{code}/bind", message=BindLabel, to="labels", tag=_TAG, rate="write",
        summary="Let a label mean a letter of mine, or one that I carry: once, for ever",
        errors=("not_found", "conflict"), example={"letter_id": _LETTER},
    ),
    Operation(
        method="POST", path="/labels/{code}/cancel", message=CancelLabel, to="labels", tag=_TAG, rate="write",
        summary="Let a label that is not bound mean nothing", errors=("not_found", "conflict"),
    ),
]  # fmt: skip
