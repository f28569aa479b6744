"""Problem documents (RFC 9457): the one form in which any edge says no."""

import math
from typing import Any

import msgspec

from actors.errors import STATUS, DomainError

TYPE = "application/problem+json"

_encode = msgspec.json.Encoder().encode


class Fault(msgspec.Struct):
    """One thing that does not fit."""

    path: str  # JSON path, such as $.params.width
    message: str


class Problem(msgspec.Struct, omit_defaults=True):
    """An answer that says no. `code` is stable; some codes add members of their own, such as `from` and `to`."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[Fault] | msgspec.UnsetType = msgspec.UNSET


def status_of(error: DomainError) -> int:
    """The HTTP status of an error of the closed list."""
    return STATUS[error.code]


def document(error: DomainError, request_id: str, status: int | None = None) -> bytes:
    """Encode the problem document. ``status`` overrides the code's own where HTTP knows a finer one."""
    members: dict[str, Any] = {
        **error.extra,
        "type": "about:blank",
        "title": error.code.replace("_", " ").capitalize(),
        "status": status or STATUS[error.code],
        "detail": error.detail or "",
        "code": error.code,
        "request_id": request_id,
    }
    return _encode(members)


def headers(error: DomainError) -> dict[str, str]:
    """The headers that HTTP wants beside this problem."""
    wanted: dict[str, str] = {}
    if error.code == "unauthorized":
        wanted["WWW-Authenticate"] = 'Bearer realm="posthouse"'
    retry_after = getattr(error, "retry_after", None) or error.extra.get("retry_after")
    if isinstance(retry_after, int | float):
        wanted["Retry-After"] = str(max(1, math.ceil(retry_after)))
    if error.code == "method_not_allowed":
        wanted["Allow"] = ", ".join(sorted(error.extra.get("allow", ())))  # type: ignore[call-overload]
    return wanted
