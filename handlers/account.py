"""Accounts on the wire: registration, the account itself, what administrators decide."""

from typing import Any

from actors.messages.account import (
    ChangeAccount,
    CheckPermission,
    DeleteAccount,
    GetAccount,
    ListAccounts,
    Register,
    ReplayRegistration,
    SetRole,
    SetStatus,
)
from actors.messages.quota import GetQuota, SetQuota
from actors.messages.user import PublicUser, SeenUser, User
from actors.runtime.message import Caller
from handlers.operation import Access, Operation


def account_of(message: Any, caller: Caller) -> str:
    """The account that the path names; the edge has put the caller's id in the place of ``me``."""
    del caller
    return str(message.user_id)


def account_seen(message: GetAccount, caller: Caller) -> str | None:
    """The account itself for its person and administrators; None: to strangers the service shows what they may see."""
    return message.user_id if message.user_id == caller.user_id or caller.is_admin else None


def show_user(seen: SeenUser) -> tuple[int, User | PublicUser | None]:
    """The whole account, or what strangers see of it."""
    return 200, seen.user or seen.public


_TAG = "account"

OPERATIONS = [
    Operation(
        method="POST", path="/users/register", message=Register, to="accounts", tag=_TAG, access=Access.PUBLIC,
        status=201, rate="auth", summary="Make an account and log in to it", errors=("conflict",),
        creates=lambda user_id: GetAccount(user_id=user_id),
        replays=lambda message, user_id: ReplayRegistration(user_id=user_id, password=message.password),
        example={"username": "ada", "email": "ada@example.org", "password": "correct horse battery"},
    ),
    Operation(
        method="GET", path="/users", message=ListAccounts, to="accounts", tag=_TAG, access=Access.ADMIN,
        summary="Accounts, newest first",
    ),
    Operation(
        method="GET", path="/users/{user_id}", message=GetAccount, to="account", key=account_seen,
        service="profiles", tag=_TAG,
        reply=User | PublicUser, present=show_user, summary="One account; `me` is one's own", rpc="user.get",
        errors=("not_found",),
    ),
    Operation(
        method="PATCH", path="/users/{user_id}", message=ChangeAccount, to="account", key=account_of, tag=_TAG,
        rate="write", summary="Change what is named", errors=("not_found", "conflict"),
        example={"phone": "+49 30 1234567"},
    ),
    Operation(
        method="DELETE", path="/users/{user_id}", message=DeleteAccount, to="account", key=account_of, tag=_TAG,
        status=204, rate="write", summary="End the account and what is its own", errors=("not_found", "conflict"),
    ),
    Operation(
        method="PATCH", path="/users/{user_id}/role", message=SetRole, to="account", key=account_of, tag=_TAG,
        access=Access.ADMIN, rate="write", summary="Give another role", errors=("not_found", "conflict"),
        example={"role": "vip"},
    ),
    Operation(
        method="PATCH", path="/users/{user_id}/status", message=SetStatus, to="account", key=account_of, tag=_TAG,
        access=Access.ADMIN, rate="write", summary="Block (ends all sessions at once) or unblock",
        errors=("not_found", "conflict"), example={"status": "blocked"},
    ),
    Operation(
        method="POST", path="/users/{user_id}/check-permission", message=CheckPermission, to="account",
        key=account_of, tag=_TAG, summary="May this account do that?", errors=("not_found",),
        example={"resource": "task", "action": "create"},
    ),
    Operation(
        method="GET", path="/users/{user_id}/quota", message=GetQuota, to="account", key=account_of,
        tag=_TAG, summary="What the account may use, and has used", errors=("not_found",),
    ),
    Operation(
        method="PATCH", path="/users/{user_id}/quota", message=SetQuota, to="account", key=account_of, tag=_TAG,
        access=Access.ADMIN, rate="write", summary="Give bounds of the account's own; null goes back to its role's",
        errors=("not_found",), example={"max_tasks": 500},
    ),
]  # fmt: skip
