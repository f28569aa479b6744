"""What the statements of tasks have in common: arguments by column, events to publish, answers from their bodies."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from actors.errors import Conflict, DomainError, NotFound
from actors.messages.fields import UUID_PATTERN
from actors.runtime.actor import Turn
from actors.runtime.ports import Stored

NOBODY = "00000000-0000-0000-0000-000000000000"
"""An id that nothing has."""

_IS_ID = re.compile(UUID_PATTERN)
_encode = msgspec.json.Encoder().encode
_TASK = b'"task":'  # in an event's body the task comes last


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Turn rows into one list per column; ``width`` lists even without rows."""
    found = [list(column) for column in zip(*rows, strict=True)]
    return found or [[] for _ in range(width)]


def json_text(value: Any) -> str:
    """Encode for a json parameter."""
    return _encode(value).decode()


def is_id(text: str) -> bool:
    """Whether a text has the form of an id."""
    return _IS_ID.match(text) is not None


def id_or_nobody(text: str) -> str:
    """A text from outside as a uuid parameter: one of another form names nothing."""
    return text if is_id(text) else NOBODY


def stored(task_id: str, n: int, kind: str, body: bytes, turn: Turn) -> Stored:
    """An event that a statement has stored for a turn."""
    return Stored(f"task:{task_id}", n, kind, body, turn.now, turn.id, turn.caller.user_id)


def task_in(body: bytes) -> bytes:
    """The task inside the body of its event."""
    return body[body.index(_TASK) + len(_TASK) : -1]


def refusal(before: str | None, to: str, detail: str) -> DomainError:
    """Why a task could not go to status ``to``. ``before`` is the status it has; None: the caller has no such task."""
    if before is None:
        return NotFound("no such task")
    return Conflict(detail, **{"from": before, "to": to})
