"""Drafts: how a letter begins, changes, and keeps its versions."""

import re
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from actors.errors import Conflict, InvalidRequest
from actors.letter.ledger import Ledger
from actors.letter.state import LetterState
from actors.messages.letter import AmendLetter, BeginLetter, Begun, Changed, LetterBegun, LetterChanged, Terms, Words
from actors.moves import refusal
from actors.runtime.actor import Turn
from storage import queries
from storage.postgres import Record
from storage.write import Write

Q = queries.load("letter")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]").search


def begin(message: BeginLetter, turn: Turn) -> tuple[LetterBegun, list[Write]]:
    """Return a letter's first event and what it says. Raises `InvalidRequest`."""
    check_words(message.words)
    known = Begun(
        sender_id=turn.caller.user_id or "", kind=message.kind, reply_to=message.reply_to, thread_id=message.thread_id,
        terms=message.terms, title=message.words.title,
    )  # fmt: skip
    event = LetterBegun(at=turn.now, letter_id=message.letter_id, private=known)
    reads = Write(Q.insert_reads, (message.letter_id,))
    return event, [keep_words(message.letter_id, 1, message.words, turn), reads]


def amend(ledger: Ledger, wish: AmendLetter, words: Words, turn: Turn, most_versions: int) -> None:
    """Change what is named of a draft. Raises `Conflict` for what is sealed, `InvalidRequest`."""
    state = ledger.state
    require_draft(state)
    terms = named_terms(state, wish)
    now = replace(words, **_named(wish, Words))
    check_words(now)
    if now != words:
        change(ledger, terms, now, turn, most_versions)
    elif terms != state.terms:
        _tell(ledger, terms, state.title, state.version)


def change(ledger: Ledger, terms: Terms, words: Words, turn: Turn, most_versions: int) -> None:
    """Let a draft say something else; what it said stays as a version. Of too many the oldest go."""
    version = ledger.state.version + 1
    letter_id = ledger.state.id
    _tell(ledger, terms, words.title, version)
    ledger.writes.append(keep_words(letter_id, version, words, turn))
    if version > most_versions:
        ledger.writes.append(Write(Q.delete_versions, (letter_id, version - most_versions + 1)))


def named_terms(state: LetterState, wish: AmendLetter) -> Terms:
    """The terms as the wish wants them. Raises `Conflict`: whom a reply answers is settled."""
    named = _named(wish, Terms)
    if state.kind == "reply" and "recipient_id" in named and named["recipient_id"] != state.terms.recipient_id:
        raise Conflict("a reply goes to whom it answers")
    if "to_op" in named:
        named["hides_place"] = False
    return replace(state.terms, **named)


def require_draft(state: LetterState) -> None:
    """Raise `Conflict` unless the letter can still be changed."""
    if state.sender_archived_at is not None:
        raise refusal("archived", "draft")
    if state.status != "draft":
        raise refusal(state.status, "draft")


def check_words(words: Words) -> None:
    """Raise `InvalidRequest` for characters that no letter holds."""
    if _NO_TEXT(words.content):
        raise InvalidRequest("holds control characters", path="$.content")


def keep_words(letter_id: str, version: int, words: Words, turn: Turn) -> Write:
    """The write that keeps what a letter says."""
    photos = msgspec.json.encode(words.photos).decode()
    row = (letter_id, version, words.title, words.content, photos, words.style, turn.now)
    return Write(Q.insert_versions, row)


def read_words(row: Record) -> Words:
    """What a letter says, from the row of a version."""
    photos = msgspec.json.decode(row["photos"], type=list[str])
    return Words(title=row["title"], content=row["content"], photos=photos, style=row["style"])


def _named(wish: AmendLetter, part: type[msgspec.Struct]) -> dict[str, Any]:
    values = {name: getattr(wish, name, UNSET) for name in part.__struct_fields__}
    return {name: value for name, value in values.items() if value is not UNSET}


def _tell(ledger: Ledger, terms: Terms, title: str, version: int) -> None:
    known = Changed(terms=terms, title=title)
    ledger.tell(LetterChanged(at=ledger.at, letter_id=ledger.state.id, version=version, private=known))
