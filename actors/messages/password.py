"""What is said about passwords and the one-time tokens that prove a mail address."""

from typing import Annotated

import msgspec

from actors.messages.account import Password
from actors.messages.fields import Id
from actors.messages.session import Token
from actors.messages.user import Email, User
from actors.runtime.message import Aware, Command, Secret


class ChangePassword(Command[User], frozen=True, kw_only=True):
    """Change one's own password; ends the other sessions. Forbidden when ``current`` is wrong."""

    current: Annotated[Secret, msgspec.Meta(min_length=1, max_length=1_024)]
    new: Password


class RequestPasswordReset(Command["ResetRequested"], frozen=True, kw_only=True):
    """Mail a reset token to this address, if somebody has it. The answer does not tell."""

    email: Email


class ResetRequested(msgspec.Struct, frozen=True):
    """The request was taken; nothing is said about the address."""


class IssuePasswordReset(Command["PasswordReset"], frozen=True, kw_only=True):
    """Make a reset token for somebody, to be handed over by other means than mail."""

    user_id: Id


class ReplayPasswordReset(Command["PasswordReset"], frozen=True, kw_only=True):
    """The same came again under its idempotency key: Conflict, for the token is not stored."""

    user_id: Id


class PasswordReset(msgspec.Struct, frozen=True):
    """A token that sets a new password, once."""

    token: Secret
    expires_at: Aware


class ConfirmPasswordReset(Command[User], frozen=True, kw_only=True):
    """Set a new password by a reset token; ends all sessions. InvalidRequest when it is not (or no longer) good."""

    token: Token
    password: Password


class VerifyEmail(Command[User], frozen=True, kw_only=True):
    """Prove that mail arrives. InvalidRequest when the token is not (or no longer) good."""

    token: Token


class SetPassword(Command[User], frozen=True, kw_only=True):
    """Between actors: replace one hash by another, unless it has changed since it was read."""

    was: Secret
    becomes: Secret


class ResetPassword(Command[User], frozen=True, kw_only=True):
    """Between actors: spend a reset token (by its hash) for a new password hash."""

    spent: bytes
    becomes: Secret


class ConfirmEmail(Command[User], frozen=True, kw_only=True):
    """Between actors: spend a verification token (by its hash) for ``email``."""

    spent: bytes
    email: str
