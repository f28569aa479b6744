"""What is said to and by accounts: registration, the account itself, roles, status, permissions."""

from typing import Annotated, Literal

import msgspec

from actors.messages.fields import Id, Limit, Page
from actors.messages.session import SessionTokens
from actors.messages.user import Email, Phone, Role, SeenUser, Status, Text, User, Username
from actors.runtime.message import Aware, Command, Event, Query, Secret

Password = Annotated[Secret, msgspec.Meta(min_length=8, max_length=128)]
Avatar = Annotated[Text, msgspec.Meta(min_length=1, max_length=2_048)]
TypedCode = Annotated[Text, msgspec.Meta(min_length=1, max_length=20)]
"""A code of a place as somebody typed it: lower case, spaces and dashes are accepted."""
Word = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z_]{0,49}$", max_length=50)]


class Register(Command[SessionTokens], frozen=True, kw_only=True):
    """Make an account with its profile, quota and first session. Conflict when username or e-mail is taken."""

    username: Username
    email: Email
    password: Password
    phone: Phone | None = None
    school_code: TypedCode | None = None
    op_code: TypedCode | None = None


class ReplayRegistration(Command[SessionTokens], frozen=True, kw_only=True):
    """A registration came again under its idempotency key: fresh tokens if the password fits, else Unauthorized."""

    user_id: Id
    password: Secret


class EnsureAdmin(Command["AdminReady"], frozen=True, kw_only=True):
    """Make the first super_admin unless there is one. Without a password one is made up."""

    username: Username
    password: Password | None = None


class AdminReady(msgspec.Struct, frozen=True):
    """An active super_admin; whether it was made just now, and the password made up for it (told this once)."""

    user_id: str
    is_new: bool
    password: Secret | None = None


class GetAccount(Query[SeenUser], frozen=True, kw_only=True):
    """One account; strangers see only its public part."""

    user_id: Id


class ListAccounts(Query[Page[User]], frozen=True, kw_only=True):
    """Accounts, newest first. ``q`` is a part of the username or e-mail, whatever its case."""

    q: Annotated[Text, msgspec.Meta(max_length=100)] | None = None
    role: Role | None = None
    status: Status | None = None
    limit: Limit = 20
    cursor: str | None = None


class ChangeAccount(Command[User], frozen=True, kw_only=True):
    """Change what is named. A new e-mail address has to be verified anew."""

    user_id: Id
    email: Email | msgspec.UnsetType = msgspec.UNSET
    phone: Phone | msgspec.UnsetType | None = msgspec.UNSET
    avatar: Avatar | msgspec.UnsetType | None = msgspec.UNSET


class DeleteAccount(Command[None], frozen=True, kw_only=True):
    """End the account and what is its own. Conflict for the last super_admin."""

    user_id: Id


class SetRole(Command[User], frozen=True, kw_only=True):
    """Give another role. Only a super_admin makes or unmakes administrators."""

    user_id: Id
    role: Role


class SetStatus(Command[User], frozen=True, kw_only=True):
    """Block or unblock. Blocking ends all sessions at once."""

    user_id: Id
    status: Status


class SetCourierLevel(Command[None], frozen=True, kw_only=True):
    """Show a courier's level, or (None) none: as the courier's own actor has it. Sent by the house alone."""

    level: int | None


class CheckPermission(Query["Permission"], frozen=True, kw_only=True):
    """May this account do that? ``resource`` is a noun of the API."""

    user_id: Id
    resource: Word
    action: Literal["create", "read", "update", "delete", "manage"]


class Permission(msgspec.Struct, frozen=True):
    """The answer, and why."""

    allowed: bool
    reason: str


class AccountEvent(Event, frozen=True, kw_only=True):
    """Something that happened to the account ``user_id``; its stream is ``account:<user_id>``."""

    user_id: str


class AccountRegistered(AccountEvent, frozen=True, kw_only=True, tag="account.registered"):
    """There is a new account."""

    user: User


class AccountChanged(AccountEvent, frozen=True, kw_only=True, tag="account.changed"):
    """The account says these things of itself now."""

    email: str | None
    phone: str | None
    avatar: str | None


class EmailVerified(AccountEvent, frozen=True, kw_only=True, tag="account.email_verified"):
    """The account's person reads mail to this address."""

    email: str


class RoleChanged(AccountEvent, frozen=True, kw_only=True, tag="account.role_changed"):
    """The account has another role."""

    role: Role
    was: Role


class AccountBlocked(AccountEvent, frozen=True, kw_only=True, tag="account.blocked"):
    """The account may do nothing until it is unblocked."""


class AccountUnblocked(AccountEvent, frozen=True, kw_only=True, tag="account.unblocked"):
    """The account may log in again."""


class CourierLevelSet(AccountEvent, frozen=True, kw_only=True, tag="account.courier_level_set"):
    """The account's person is an active courier of this level, or (None) is not one."""

    level: int | None


class PasswordChanged(AccountEvent, frozen=True, kw_only=True, tag="account.password_changed"):
    """The account has another password."""

    how: Literal["by_owner", "by_reset"]


class PasswordResetIssued(AccountEvent, frozen=True, kw_only=True, tag="account.password_reset_issued"):
    """An administrator has made a token that sets a new password."""

    expires_at: Aware


class SessionsEnded(AccountEvent, frozen=True, kw_only=True, tag="account.sessions_ended"):
    """All sessions of the account have ended, or all but one."""

    except_session_id: str | None
    reason: str


class QuotaSet(AccountEvent, frozen=True, kw_only=True, tag="account.quota_set"):
    """An administrator has set bounds of the account's own (None: by role; left out: as before)."""

    max_tasks: int | msgspec.UnsetType | None = msgspec.UNSET
    max_storage: int | msgspec.UnsetType | None = msgspec.UNSET


class AccountDeleted(AccountEvent, frozen=True, kw_only=True, tag="account.deleted"):
    """The account is gone, with everything that was its own."""
