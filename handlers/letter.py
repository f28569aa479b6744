"""Letters on the wire. What is answered comes from the service; it asks the letter's actor."""

from typing import Any

from actors.messages.letter import (
    ArchiveLetter,
    ChangeLetter,
    CreateLetter,
    DeleteLetter,
    DrawLetter,
    DrawLetterPng,
    DrawSheet,
    GetLetter,
    GetLetterStats,
    ListLetters,
    ListThread,
    ListVersions,
    ReadByCode,
    RecallLetter,
    ReplyLetter,
    RestoreVersion,
    SealLetter,
    TrackLetter,
)
from actors.runtime.message import Caller
from handlers.operation import Access, Operation

_TAG = "letter"


def letter(message: Any, caller: Caller) -> str:
    """The letter that a message is for."""
    del caller
    key: str = message.letter_id
    return key


DRAFTS = [
    Operation(
        method="POST", path="/letters", message=CreateLetter, to="letters", tag=_TAG, rate="write", status=201,
        creates=lambda letter_id: GetLetter(letter_id=letter_id), rpc="letter.create", errors=("not_found",),
        summary="Begin a draft; everything may be missing until it is sealed",
        example={"recipient": "ben", "to_op_code": "PK5F21", "title": "Tea?", "content": "Dear Ben, ..."},
    ),
    Operation(
        method="GET", path="/letters", message=ListLetters, to="letters", tag=_TAG, rpc="letter.list",
        summary="One of my boxes (drafts, sent, received, archived), those that changed last first; q searches in it",
    ),
    Operation(
        method="GET", path="/letters/{letter_id}", message=GetLetter, to="letters", tag=_TAG, rpc="letter.get",
        summary="One letter, as far as it concerns me; who looks at a delivered one has read it", errors=("not_found",),
    ),
    Operation(
        method="PATCH", path="/letters/{letter_id}", message=ChangeLetter, to="letters", tag=_TAG, rate="write",
        rpc="letter.change", summary="Change what is named of a draft; other words keep the last ones as a version",
        errors=("not_found", "conflict"), example={"content": "Dear Ben, ... yours, Ada"},
    ),
    Operation(
        method="DELETE", path="/letters/{letter_id}", message=DeleteLetter, to="letter", key=letter, tag=_TAG,
        status=204, rate="write", rpc="letter.delete", summary="End a draft, with every version",
        errors=("not_found", "conflict"),
    ),
    Operation(
        method="GET", path="/letters/{letter_id}/versions", message=ListVersions, to="letters", tag=_TAG,
        summary="What the words were, newest first: for the writer", errors=("not_found",),
    ),
    Operation(
        method="POST", path="/letters/{letter_id}/versions/{version}/restore", message=RestoreVersion, to="letters",
        tag=_TAG, rate="write", summary="Let the words be what they once were; that is a new version",
        errors=("not_found", "conflict"),
    ),
]  # fmt: skip

MOVES = [
    Operation(
        method="POST", path="/letters/{letter_id}/seal", message=SealLetter, to="letters", tag=_TAG, rate="write",
        rpc="letter.seal", errors=("forbidden", "not_found", "conflict"),
        summary="Freeze the words and get a code; with deliver_after in the future it is scheduled",
    ),
    Operation(
        method="POST", path="/letters/{letter_id}/recall", message=RecallLetter, to="letters", tag=_TAG, rate="write",
        rpc="letter.recall", errors=("not_found", "conflict"),
        summary="Take back what nobody has collected: a draft again, and its code is dead",
    ),
    Operation(
        method="POST", path="/letters/{letter_id}/archive", message=ArchiveLetter, to="letters", tag=_TAG,
        rate="write", rpc="letter.archive", summary="Put a letter away, for myself", errors=("not_found", "conflict"),
    ),
    Operation(
        method="POST", path="/letters/{letter_id}/reply", message=ReplyLetter, to="letters", tag=_TAG, rate="write",
        status=201, creates=lambda letter_id: GetLetter(letter_id=letter_id), rpc="letter.reply",
        summary="Begin the answer to a letter that I have received; who wrote anonymously stays hidden",
        errors=("not_found", "conflict"), example={"content": "Dear Ada, gladly."},
    ),
]  # fmt: skip

VIEWS = [
    Operation(
        method="GET", path="/letters/{letter_id}/thread", message=ListThread, to="letters", tag=_TAG,
        summary="The correspondence that a letter is part of, oldest first", errors=("not_found",),
    ),
    Operation(
        method="GET", path="/letters/{letter_id}/track", message=TrackLetter, to="letters", tag=_TAG,
        rpc="letter.track", errors=("not_found",),
        summary="Every step of its way, by id or code; whoever only has the code sees masked places",
    ),
    Operation(
        method="GET", path="/letters/read/{code}", message=ReadByCode, to="letters", access=Access.PUBLIC, tag=_TAG,
        summary="Read a letter with the code on its envelope, from in_transit on", errors=("not_found",),
    ),
]  # fmt: skip

PICTURES = [
    Operation(
        method="GET", path="/letters/{letter_id}/qr.svg", message=DrawLetter, to="letters", tag=_TAG,
        media="image/svg+xml", summary="The code as a QR code", errors=("not_found", "conflict"),
    ),
    Operation(
        method="GET", path="/letters/{letter_id}/qr.png", message=DrawLetterPng, to="letters", tag=_TAG,
        media="image/png", summary="The code as a QR code, in pixels", errors=("not_found", "conflict"),
    ),
    Operation(
        method="GET", path="/letters/{letter_id}/sheet.svg", message=DrawSheet, to="letters", tag=_TAG,
        media="image/svg+xml", summary="A page to fold around the letter: address and code",
        errors=("not_found", "conflict"),
    ),
]  # fmt: skip

STATS = [
    Operation(
        method="GET", path="/letters/stats", message=GetLetterStats, to="letters", access=Access.ADMIN, tag=_TAG,
        summary="Letters by day, status and school, and how long they take",
    ),
]  # fmt: skip

OPERATIONS = DRAFTS + MOVES + VIEWS + PICTURES + STATS
