"""The closed list of errors that Posthouse answers with.

DomainError
    InvalidRequest 400, Unauthorized 401, Forbidden 403, QuotaExceeded 403, NotFound 404,
    MethodNotAllowed 405, RequestTimeout 408, Conflict 409, TooLarge 413, UnsupportedMediaType 415,
    Unprocessable 422, RateLimited 429, Internal 500, Unavailable 503, Overloaded 503, TimedOut 504
"""

from typing import TypedDict

from actors.runtime.errors import DomainError, Internal, Overloaded, TimedOut, Unavailable

__all__ = [
    "STATUS",
    "Conflict",
    "DomainError",
    "Fault",
    "Forbidden",
    "Internal",
    "InvalidRequest",
    "MethodNotAllowed",
    "NotFound",
    "Overloaded",
    "QuotaExceeded",
    "RateLimited",
    "RequestTimeout",
    "TimedOut",
    "TooLarge",
    "Unauthorized",
    "Unavailable",
    "Unprocessable",
    "UnsupportedMediaType",
]


class Fault(TypedDict):
    """One thing that does not fit; ``path`` is a JSON path (``$.params.width``)."""

    path: str
    message: str


class InvalidRequest(DomainError):
    """Body, query or path does not fit."""

    code = "invalid_request"

    def __init__(self, message: str, path: str = "$", errors: list[Fault] | None = None) -> None:
        super().__init__(message, errors=errors or [Fault(path=path, message=message)])


class Unauthorized(DomainError):
    """No valid token."""

    code = "unauthorized"


class Forbidden(DomainError):
    """Known, but may not."""

    code = "forbidden"


class QuotaExceeded(DomainError):
    """The quota is used up."""

    code = "quota_exceeded"


class NotFound(DomainError):
    """No such thing, or the caller may not know of it."""

    code = "not_found"


class MethodNotAllowed(DomainError):
    """The path exists, the method does not."""

    code = "method_not_allowed"


class RequestTimeout(DomainError):
    """The request did not arrive in time."""

    code = "request_timeout"


class Conflict(DomainError):
    """A taken name, a stale lease, an illegal transition (``extra``: ``from``, ``to``), a key in progress."""

    code = "conflict"


class TooLarge(DomainError):
    """A body or file over its limit."""

    code = "too_large"


class UnsupportedMediaType(DomainError):
    """Not JSON."""

    code = "unsupported_media_type"


class Unprocessable(DomainError):
    """An idempotency key came back with another body."""

    code = "unprocessable"


class RateLimited(DomainError):
    """Too many requests; try again after ``retry_after`` seconds."""

    code = "rate_limited"

    def __init__(self, detail: str = "too many requests", retry_after: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


STATUS: dict[str, int] = {
    "invalid_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "quota_exceeded": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "conflict": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "unprocessable": 422,
    "rate_limited": 429,
    "internal": 500,
    "overloaded": 503,
    "unavailable": 503,
    "timeout": 504,
}
