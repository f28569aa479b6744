"""What an account is made of, and how its events make it."""

from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from actors.auth.people import user_of
from actors.errors import Conflict
from actors.messages.account import (
    AccountBlocked,
    AccountChanged,
    AccountDeleted,
    AccountRegistered,
    AccountUnblocked,
    CourierLevelSet,
    EmailVerified,
    RoleChanged,
)
from actors.messages.user import User
from actors.runtime.message import Event
from storage import queries
from storage.postgres import Record
from storage.write import Write

Q = queries.load("account")


class AccountState(NamedTuple):
    """The account's row. ``user`` goes to callers as it is, so that a read makes nothing new."""

    user: User
    email_verified_at: datetime | None = None


def load_state(row: Record) -> AccountState:
    """Make the state from the row."""
    return AccountState(user_of(row), row["email_verified_at"])


def save_state(state: AccountState, n: int) -> Write:
    """The write that makes the row equal to the state at event ``n``."""
    user = state.user
    row = (
        user.id, n, user.email, user.phone, user.avatar, user.role, user.status, user.courier_level,
        state.email_verified_at,
    )  # fmt: skip
    return Write(Q.update_account, row, constraints=taken())


def taken() -> dict[str, Exception]:
    """The answers to names that somebody else has."""
    return {
        "account_username_key": Conflict("the username is taken", field="username"),
        "account_email_key": Conflict("the e-mail address is taken", field="email"),
    }


def fold(state: AccountState | None, event: Event) -> AccountState | None:
    """Fold one event into the state. Pure. Events that say nothing of the row leave it as it is."""
    match state, event:
        case None, AccountRegistered():
            return AccountState(event.user)
        case None, _:
            raise ValueError(f"{type(event).__name__} comes before the account")
        case AccountState(), AccountDeleted():
            return None
        case AccountState(user, verified_at), AccountChanged():
            changed = replace(user, email=event.email, phone=event.phone, avatar=event.avatar)
            return AccountState(changed, verified_at if event.email == user.email else None)
        case AccountState(user), EmailVerified():
            return AccountState(user, event.at)
        case AccountState(user, verified_at), RoleChanged():
            return AccountState(replace(user, role=event.role), verified_at)
        case AccountState(user, verified_at), CourierLevelSet():
            return AccountState(replace(user, courier_level=event.level), verified_at)
        case AccountState(user, verified_at), AccountBlocked():
            return AccountState(replace(user, status="blocked"), verified_at)
        case AccountState(user, verified_at), AccountUnblocked():
            return AccountState(replace(user, status="active"), verified_at)
    return state
