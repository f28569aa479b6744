"""One account: its owner's wishes, its administrators' decisions. Owned rows: the state in memory is the truth.

Events hold all that the state is made of, and never a password.
"""

from msgspec import UNSET
from msgspec.structs import replace

from actors.account.rules import (
    check_permission,
    check_role_change,
    let_go,
    require_reach,
    require_self_or_admin,
    there,
)
from actors.account.state import AccountState, fold, load_state, save_state
from actors.auth.one_time import OneTimeTokens, Proof, spend
from actors.errors import Conflict, NotFound
from actors.messages.account import (
    AccountBlocked,
    AccountChanged,
    AccountDeleted,
    AccountUnblocked,
    ChangeAccount,
    CheckPermission,
    CourierLevelSet,
    DeleteAccount,
    EmailVerified,
    GetAccount,
    PasswordChanged,
    PasswordResetIssued,
    Permission,
    QuotaSet,
    RoleChanged,
    SessionsEnded,
    SetCourierLevel,
    SetRole,
    SetStatus,
)
from actors.messages.password import (
    ConfirmEmail,
    IssuePasswordReset,
    PasswordReset,
    ReplayPasswordReset,
    ResetPassword,
    SetPassword,
)
from actors.messages.quota import GetQuota, Quota, SetQuota
from actors.messages.user import SeenUser, User
from actors.quota import QuotaSettings, describe_quota, month_of, set_bounds
from actors.runtime.actor import Decision, Entity, Snapshot, Turn, handles
from actors.runtime.message import Event
from storage import queries
from storage.account import AccountStore
from storage.quota import QuotaStore
from storage.write import Write

Q = queries.load("account")
C = queries.load("credential")
S = queries.load("session")


class Account(Entity[AccountState]):
    """Owns the account's row and its stream ``account:<id>``."""

    kind = "account"

    def __init__(
        self, store: AccountStore, quota_store: QuotaStore, one_time: OneTimeTokens, quotas: QuotaSettings
    ) -> None:
        self._store = store
        self._quota_store = quota_store
        self._one_time = one_time
        self._quotas = quotas

    async def load(self, key: str) -> Snapshot[AccountState] | None:
        """Read the account's row."""
        row = await self._store.get_account(key)
        return None if row is None else Snapshot(load_state(row), row["n"])

    def apply(self, state: AccountState | None, event: Event) -> AccountState | None:
        """See `actors.account.state`."""
        return fold(state, event)

    def save(self, key: str, state: AccountState | None, n: int) -> list[Write]:
        """Write the row, or remove it with all that hangs on it."""
        return [Write(Q.delete_account, (key,))] if state is None else [save_state(state, n)]

    @handles
    def get(self, state: AccountState | None, message: GetAccount, turn: Turn) -> SeenUser:
        """Strangers see only the public part."""
        del message
        user = there(state)
        is_known = turn.caller.user_id == user.id or turn.caller.is_admin
        return SeenUser(user=user) if is_known else SeenUser(public=user.public())

    @handles
    def change(self, state: AccountState | None, message: ChangeAccount, turn: Turn) -> User | Decision[User]:
        """Change what is named; a new address is to be proved."""
        user = require_reach(state, turn.caller)
        asked = {name: getattr(message, name) for name in ("email", "phone", "avatar")}
        changed = replace(user, **{name: value for name, value in asked.items() if value is not UNSET})
        if changed == user:
            return user
        event = AccountChanged(
            at=turn.now, user_id=user.id, email=changed.email, phone=changed.phone, avatar=changed.avatar
        )
        proof = self._one_time.email_proof(changed, turn.now) if changed.email != user.email else Proof()
        return Decision(reply=changed, events=[event], writes=proof.writes, after=proof.after)

    @handles
    def delete(self, state: AccountState | None, message: DeleteAccount, turn: Turn) -> Decision[None]:
        """End the account; its rows go with it."""
        del message
        user = require_reach(state, turn.caller)
        return Decision(events=[AccountDeleted(at=turn.now, user_id=user.id)], writes=let_go(user))

    @handles
    def set_role(self, state: AccountState | None, message: SetRole, turn: Turn) -> User | Decision[User]:
        """Give another role."""
        user = require_reach(state, turn.caller)
        if message.role == user.role:
            return user
        check_role_change(user.role, message.role, turn.caller)
        event = RoleChanged(at=turn.now, user_id=user.id, role=message.role, was=user.role)
        return Decision(reply=replace(user, role=message.role), events=[event], writes=let_go(user))

    @handles
    def set_status(self, state: AccountState | None, message: SetStatus, turn: Turn) -> User | Decision[User]:
        """Block or unblock."""
        user = require_reach(state, turn.caller)
        if message.status == user.status:
            return user
        changed = replace(user, status=message.status)
        if message.status == "active":
            return Decision(reply=changed, events=[AccountUnblocked(at=turn.now, user_id=user.id)])
        ended, end = _end_sessions(user, "blocked", turn)
        blocked = AccountBlocked(at=turn.now, user_id=user.id)
        return Decision(reply=changed, events=[blocked, ended], writes=[*let_go(user), end])

    @handles
    def set_courier_level(
        self, state: AccountState | None, message: SetCourierLevel, turn: Turn
    ) -> Decision[None] | None:
        """Show the level that the courier has; what is shown already costs no event."""
        user = there(state)
        if user.courier_level == message.level:
            return None
        return Decision(events=[CourierLevelSet(at=turn.now, user_id=user.id, level=message.level)])

    @handles
    def check(self, state: AccountState | None, message: CheckPermission, turn: Turn) -> Permission:
        """May this account do that?"""
        return check_permission(require_self_or_admin(state, turn.caller), message)

    @handles
    async def get_quota(self, state: AccountState | None, message: GetQuota, turn: Turn) -> Quota:
        """What the account may use, and has used. Used amounts are shared rows: read, not remembered."""
        user = require_self_or_admin(state, turn.caller)
        row = await self._quota_store.get_quota(message.user_id, month_of(turn.now))
        if row is None:
            raise NotFound("no such user")
        return describe_quota(row, user.role, self._quotas, turn.now)

    @handles
    def set_quota(self, state: AccountState | None, message: SetQuota, turn: Turn) -> Decision[Quota]:
        """Give the account bounds of its own."""
        user = require_reach(state, turn.caller)
        event = QuotaSet(at=turn.now, user_id=user.id, max_tasks=message.max_tasks, max_storage=message.max_storage)
        write = set_bounds(user.id, message, turn.now)
        return Decision(
            answer=lambda rows: describe_quota(rows[0][0], user.role, self._quotas, turn.now),
            events=[event],
            writes=[write],
        )

    @handles
    def issue_password_reset(
        self, state: AccountState | None, message: IssuePasswordReset, turn: Turn
    ) -> Decision[PasswordReset]:
        """Make a reset token for an administrator to hand over."""
        del message
        user = require_reach(state, turn.caller)
        issued = self._one_time.password_reset(user.id, turn.now)
        event = PasswordResetIssued(at=turn.now, user_id=user.id, expires_at=issued.expires_at)
        reply = PasswordReset(issued.token, issued.expires_at)
        return Decision(reply=reply, events=[event], writes=[issued.write], made=user.id)

    @handles
    def replay_password_reset(
        self, state: AccountState | None, message: ReplayPasswordReset, turn: Turn
    ) -> PasswordReset:
        """The token was told once and is not stored."""
        del message
        require_reach(state, turn.caller)
        raise Conflict("this token was made before, and is not stored: make another one, under another key")

    @handles
    def set_password(self, state: AccountState | None, message: SetPassword, turn: Turn) -> Decision[User]:
        """Its owner has shown the old password: the other sessions end."""
        user = there(state)
        changed = PasswordChanged(at=turn.now, user_id=user.id, how="by_owner")
        ended, end = _end_sessions(user, "password_changed", turn, keep=turn.caller.session_id)
        refusal = Conflict("the password has just been changed")
        row = (user.id, message.was, message.becomes, turn.now)
        replaced = Write(C.update_credential, row, expect=1, otherwise=refusal)
        return Decision(
            reply=user, events=[changed, ended], writes=[replaced, Write(C.delete_tokens_of, (user.id,)), end]
        )

    @handles
    def reset_password(self, state: AccountState | None, message: ResetPassword, turn: Turn) -> Decision[User]:
        """Somebody has shown a reset token: all sessions end, and every other reset token with them."""
        user = there(state)
        changed = PasswordChanged(at=turn.now, user_id=user.id, how="by_reset")
        ended, end = _end_sessions(user, "password_reset", turn)
        replaced = Write(C.update_credential, (user.id, None, message.becomes, turn.now))
        writes = [spend(message.spent, user.id), replaced, Write(C.delete_tokens_of, (user.id,)), end]
        return Decision(reply=user, events=[changed, ended], writes=writes)

    @handles
    def confirm_email(self, state: AccountState | None, message: ConfirmEmail, turn: Turn) -> Decision[User]:
        """Somebody has shown a token that was mailed to ``email``."""
        user = there(state)
        if user.email != message.email:
            raise Conflict("the account has another e-mail address by now")
        event = EmailVerified(at=turn.now, user_id=user.id, email=message.email)
        return Decision(reply=user, events=[event], writes=[spend(message.spent, user.id)])


def _end_sessions(user: User, reason: str, turn: Turn, keep: str | None = None) -> tuple[SessionsEnded, Write]:
    """The event and the write that end all sessions but ``keep``. The write comes after what forbids new ones."""
    event = SessionsEnded(at=turn.now, user_id=user.id, except_session_id=keep, reason=reason)
    return event, Write(S.end_sessions_of, (user.id, keep, reason, turn.now))
