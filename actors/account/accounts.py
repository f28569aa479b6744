"""Accounts as a whole: registration, the first administrator, the list. A single account is `actors.account`."""

from actors.account.state import taken
from actors.auth.one_time import OneTimeTokens
from actors.auth.opening import Doorkeeper
from actors.auth.passwords import Passwords
from actors.auth.people import user_of
from actors.auth.secrets import new_secret
from actors.authority import POINT, SCHOOL, normalise
from actors.cursors import decode_cursor, page_of
from actors.errors import Unauthorized
from actors.messages.account import (
    AccountRegistered,
    AdminReady,
    EnsureAdmin,
    ListAccounts,
    Register,
    ReplayRegistration,
)
from actors.messages.fields import Id, Page
from actors.messages.session import SessionTokens
from actors.messages.user import User
from actors.runtime.actor import Decision, Opened, Service, Turn, handles
from actors.runtime.ids import uuid7
from storage import queries
from storage.account import AccountStore
from storage.write import Write

Q = queries.load("account")


class Accounts(Service):
    """Makes and lists accounts; once made, each is owned by an actor of its own."""

    kind = "accounts"

    def __init__(
        self, store: AccountStore, passwords: Passwords, doorkeeper: Doorkeeper, one_time: OneTimeTokens
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._doorkeeper = doorkeeper
        self._one_time = one_time

    @handles
    async def register(self, message: Register, turn: Turn) -> Decision[SessionTokens]:
        """Account, credential, profile, quota and first session in one transaction."""
        user = User(
            id=uuid7(), username=message.username, email=message.email, phone=message.phone, created_at=turn.now
        )
        school_code = _code(message.school_code, SCHOOL, "$.school_code")
        op_code = _code(message.op_code, POINT, "$.op_code")
        password_hash = await self._passwords.hash(message.password)
        opening = self._doorkeeper.open(user, password_hash, turn)
        proof = self._one_time.email_proof(user, turn.now)
        account = _insert(user, password_hash, school_code, op_code)
        return Decision(
            reply=opening.reply,
            opens=[_registered(user), opening.opened],
            writes=[account, opening.write, *proof.writes],
            made=user.id,
            after=proof.after,
        )

    @handles
    async def replay(self, message: ReplayRegistration, turn: Turn) -> Decision[SessionTokens]:
        """Log in to what the first request made."""
        row = await self._store.get_credential_by_id(message.user_id)
        password_hash = None if row is None else row["password_hash"]
        if not await self._passwords.verify(password_hash, message.password) or row is None:
            raise Unauthorized("the account has another password by now, or is gone")
        opening = self._doorkeeper.open(user_of(row), row["password_hash"], turn)
        return Decision(reply=opening.reply, opens=[opening.opened], writes=[opening.write])

    @handles
    async def ensure_admin(self, message: EnsureAdmin, turn: Turn) -> AdminReady | Decision[AdminReady]:
        """Make the first super_admin. Conflict when somebody else has its name."""
        there = await self._store.get_super_admin()
        if there is not None:
            return AdminReady(user_id=there, is_new=False)
        user = User(id=uuid7(), username=message.username, role="super_admin", created_at=turn.now)
        made_up = None if message.password is not None else new_secret()
        password_hash = await self._passwords.hash(message.password or made_up or "")
        return Decision(
            reply=AdminReady(user_id=user.id, is_new=True, password=made_up),
            opens=[_registered(user)],
            writes=[_insert(user, password_hash)],
        )

    @handles
    async def list_accounts(self, message: ListAccounts, turn: Turn) -> Page[User]:
        """A page of accounts, newest first."""
        del turn
        before = decode_cursor(message.cursor, Id)
        rows = await self._store.list_accounts(
            q=message.q, role=message.role, status=message.status, before=before, limit=message.limit + 1
        )
        return page_of(rows, message.limit, user_of, lambda row: row["id"])


def _code(text: str | None, length: int, path: str) -> str | None:
    """Read a code: what somebody says of themselves, whether or not that place is open yet."""
    return None if text is None else normalise(text, (length,), path)


def _registered(user: User) -> Opened:
    return Opened(f"account:{user.id}", AccountRegistered(at=user.created_at, user_id=user.id, user=user))


def _insert(user: User, password_hash: str, school_code: str | None = None, op_code: str | None = None) -> Write:
    row = (
        user.id, user.username, user.email, user.phone, user.role, user.created_at, password_hash,
        school_code, op_code,
    )  # fmt: skip
    return Write(Q.insert_account, row, constraints=taken())
