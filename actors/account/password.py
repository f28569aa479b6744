"""Changing and resetting passwords, and proving addresses. The account's own actor writes; here is what takes time."""

from collections.abc import Callable

from actors.auth.attempts import Guard
from actors.auth.one_time import OneTimeTokens
from actors.auth.passwords import Passwords
from actors.auth.secrets import digest
from actors.errors import Forbidden, InvalidRequest, NotFound
from actors.messages.password import (
    ChangePassword,
    ConfirmEmail,
    ConfirmPasswordReset,
    RequestPasswordReset,
    ResetPassword,
    ResetRequested,
    SetPassword,
    VerifyEmail,
)
from actors.messages.user import User
from actors.runtime.actor import Decision, Ref, Service, Turn, handles
from storage.account import AccountStore
from storage.postgres import Record

Refs = Callable[[str, str], Ref]


class PasswordDesk(Service):
    """Checks and hashes, then asks the account."""

    kind = "passwords"
    asks = frozenset({"account"})

    def __init__(
        self, store: AccountStore, passwords: Passwords, one_time: OneTimeTokens, guard: Guard, refs: Refs
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._one_time = one_time
        self._guard = guard
        self._refs = refs

    @handles
    async def change(self, message: ChangePassword, turn: Turn) -> User:
        """Whoever knows the current password may set another."""
        user_id = turn.caller.user_id or ""
        row = await self._store.get_credential_by_id(user_id)
        if row is None:
            raise NotFound("no such user")
        await self._guard.enter(row["username"], turn)
        if not await self._passwords.verify(row["password_hash"], message.current):
            raise Forbidden("the current password is another")
        self._guard.passed(row["username"], turn)
        becomes = await self._passwords.hash(message.new)
        account = self._refs("account", user_id)
        return await account.ask(SetPassword(was=row["password_hash"], becomes=becomes), turn.caller, cause=turn.id)

    @handles
    async def request_reset(self, message: RequestPasswordReset, turn: Turn) -> Decision[ResetRequested]:
        """One statement for known and unknown addresses alike, so that neither answer nor time tells."""
        await self._guard.enter(f"reset {message.email}", turn)
        proof = self._one_time.password_reset_by_email(message.email, turn.now)

        def answer(rows: list[list[Record]]) -> ResetRequested:
            if rows[0] and proof.after is not None:
                proof.after()
            return ResetRequested()

        return Decision(answer=answer, writes=proof.writes)

    @handles
    async def confirm_reset(self, message: ConfirmPasswordReset, turn: Turn) -> User:
        """A reset token is as good as the password, once."""
        spent = digest(message.token)
        row = await self._find(spent, "password_reset", turn)
        becomes = await self._passwords.hash(message.password)
        account = self._refs("account", row["user_id"])
        return await account.ask(ResetPassword(spent=spent, becomes=becomes), turn.caller, cause=turn.id)

    @handles
    async def verify_email(self, message: VerifyEmail, turn: Turn) -> User:
        """Whoever shows the token has read the mail."""
        spent = digest(message.token)
        row = await self._find(spent, "verify_email", turn)
        account = self._refs("account", row["user_id"])
        return await account.ask(ConfirmEmail(spent=spent, email=row["email"]), turn.caller, cause=turn.id)

    async def _find(self, spent: bytes, purpose: str, turn: Turn) -> Record:
        row = await self._store.get_token(spent, purpose, turn.now)
        if row is None:
            raise InvalidRequest("the token is not good, or not any more", "$.token")
        return row
