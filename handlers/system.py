"""What the person who keeps the house running may ask, on the wire."""

from actors.messages.system import (
    DeleteDeadLetter,
    GetDeadLetter,
    GetInfo,
    ListActors,
    ListDeadLetters,
    ListEvents,
    ListHouses,
    ListLogLines,
    ListSettings,
    RedeliverDeadLetter,
)
from handlers.operation import Access, Operation

BASE = "/api/system"


def _get(path: str, message: type, summary: str, *errors: str) -> Operation:
    return Operation(
        method="GET", path=BASE + path, message=message, to="system", access=Access.ADMIN, tag="system",
        summary=summary, errors=errors, timeout_seconds=10.0,
    )  # fmt: skip


OPERATIONS = [
    _get("/info", GetInfo, "What runs here, and since when"),
    _get("/actors", ListActors, "Every kind of actor with its figures, and who waits for whom"),
    _get("/houses", ListHouses, "Every house of this database"),
    _get("/events", ListEvents, "The audit log, newest first"),
    _get("/config", ListSettings, "Effective settings with their source; secrets are masked"),
    _get("/logs", ListLogLines, "The newest lines of the log that fit"),
    _get("/dead-letters", ListDeadLetters, "Messages that crashed their actor, newest first"),
    _get("/dead-letters/{letter_id}", GetDeadLetter, "One dead letter", "not_found"),
    Operation(
        method="POST", path=f"{BASE}/dead-letters/{{letter_id}}/redeliver", message=RedeliverDeadLetter, to="system",
        access=Access.ADMIN, tag="system", summary="Send it again, and forget it once it has been accepted",
        rate="write", errors=("not_found",),
    ),
    Operation(
        method="DELETE", path=f"{BASE}/dead-letters/{{letter_id}}", message=DeleteDeadLetter, to="system", status=204,
        access=Access.ADMIN, tag="system", summary="Forget it", rate="write", errors=("not_found",),
    ),
]  # fmt: skip
