"""What can go wrong between the house and its database.

ConnectionError
    DatabaseUnavailable      the database cannot be reached, or did not do it in time; nothing was changed
        QueueFull            too many turns wait for a lane; nothing was started
        Contended            a deadlock or a serialization failure; the same again may pass
        Fenced               this house was declared dead and may write no more
    MailUnavailable          what should carry mail between houses cannot be reached
    StaleState               a stream has moved on: load the entity again; nothing was changed
TimeoutError
    UnknownOutcome           the connection was lost in COMMIT and the outcome could not be found out
IntegrityViolation           a constraint that nobody expected to be violated; nothing was changed
StatementFailed              PostgreSQL refused a statement: a bug in it or in its arguments; nothing was changed
DuplicateTurn                a turn with this cause has been committed before
HouseTaken                   another house serves from this database
MigrationChanged             a migration that has been applied is not what it was
"""

import asyncpg


class DatabaseUnavailable(ConnectionError):  # noqa: N818 - reads as what happened
    """The database cannot be reached, or did not do it in time. Nothing was changed."""


class QueueFull(DatabaseUnavailable):
    """Too many turns wait for a lane. Nothing was started."""


class Contended(DatabaseUnavailable):
    """PostgreSQL rolled the transaction back because of others (SQLSTATE class 40). The same again may pass."""


class Fenced(DatabaseUnavailable):
    """This house was declared dead, or has a newer incarnation: it may write no more."""


class MailUnavailable(ConnectionError):  # noqa: N818 - reads as what happened
    """What should carry mail between houses cannot be reached."""


class StaleState(ConnectionError):  # noqa: N818 - reads as what happened
    """Another event has this number in the stream: whoever decided this must load the entity again."""


class UnknownOutcome(TimeoutError):  # noqa: N818 - reads as what happened
    """The connection was lost in COMMIT: it may have taken effect or not."""


class StatementFailed(Exception):  # noqa: N818 - reads as what happened
    """PostgreSQL refused a statement for a reason that retrying does not change."""


class IntegrityViolation(StatementFailed):
    """A constraint was violated. ``constraint`` is its name."""

    def __init__(self, constraint: str, detail: str = "") -> None:
        super().__init__(f"{constraint}: {detail}" if detail else constraint)
        self.constraint = constraint


class DuplicateTurn(Exception):  # noqa: N818 - not an error: the command has taken effect before
    """A turn with this cause has been committed before; it took effect once."""


class HouseTaken(RuntimeError):  # noqa: N818 - reads as what happened
    """Another house serves from this database."""


class MigrationChanged(RuntimeError):  # noqa: N818 - reads as what happened
    """A migration that has been applied is not what it was."""


TROUBLE = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresError)
"""What a driver's call may raise: a lost or overdue connection, wrong arguments, a refusal of the server."""

_FENCED = "PHF01"
_PASSING_CLASSES = frozenset({"08", "53", "55", "57", "58", "XX"})
"""SQLSTATE classes that are about the moment: connection, resources, locks, shutdown, system."""


def is_definite(error: BaseException, *, is_closed: bool) -> bool:
    """Whether a failed statement surely has been rolled back, even if it was (or held) a COMMIT.

    The server's ERROR always means so; its FATAL may follow a COMMIT. A driver's complaint about arguments
    (``is_closed`` false, or a `DataError` of its own) comes before anything is sent; overdue and lost connections tell
    nothing.
    """
    if isinstance(error, asyncpg.PostgresError):
        severity = getattr(error, "severity_en", None)
        return severity == "ERROR" or (severity is None and isinstance(error, asyncpg.DataError))
    return isinstance(error, asyncpg.InterfaceError) and not is_closed


def translate(error: BaseException, *, is_closed: bool = True) -> Exception:
    """Return what storage raises in place of a driver's error."""
    if isinstance(error, asyncpg.PostgresError):
        return _translate_refusal(error)
    text = str(error) or type(error).__name__
    if isinstance(error, asyncpg.InterfaceError) and not is_closed:
        return StatementFailed(text)
    return DatabaseUnavailable(text)


def _translate_refusal(error: asyncpg.PostgresError) -> Exception:
    code = error.sqlstate or ""
    if code == _FENCED:
        return Fenced(str(error))
    if code.startswith("23"):
        return IntegrityViolation(getattr(error, "constraint_name", None) or "", str(error))
    if code.startswith("40"):
        return Contended(str(error))
    if code[:2] in _PASSING_CLASSES:
        return DatabaseUnavailable(f"{code}: {error}")
    return StatementFailed(f"{code}: {error}")
