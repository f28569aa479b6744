"""Sessions: logging in and out, rotating refresh tokens. Shared rows: changed by conditional SQL, never cached here.

A refresh token is good once. There is no grace for a second use: nobody can tell an answer that was lost from a
token that was stolen, so the session ends and its owner logs in again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.auth.attempts import Guard
from actors.auth.opening import Doorkeeper
from actors.auth.passwords import Passwords
from actors.auth.people import user_of
from actors.auth.secrets import digest, new_secret
from actors.cursors import decode_cursor, page_of
from actors.errors import DomainError, Forbidden, NotFound, Unauthorized
from actors.messages.fields import Id, Page
from actors.messages.session import (
    EndSession,
    ListSessions,
    LogIn,
    LogOut,
    Refresh,
    Session,
    SessionEnded,
    SessionTokens,
)
from actors.runtime.actor import Decision, Service, Settled, Together, Turn, handles
from actors.runtime.ports import Stored
from storage import queries
from storage.account import AccountStore
from storage.postgres import Record
from storage.session import SessionStore
from storage.write import Write

Q = queries.load("session")
C = queries.load("credential")
_encode = msgspec.json.Encoder().encode


class Sessions(Service):
    """Opens, rotates, lists and ends sessions."""

    kind = "sessions"

    def __init__(
        self,
        store: SessionStore,
        accounts: AccountStore,
        passwords: Passwords,
        doorkeeper: Doorkeeper,
        guard: Guard,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._passwords = passwords
        self._doorkeeper = doorkeeper
        self._guard = guard

    @handles
    async def log_in(self, message: LogIn, turn: Turn) -> Decision[SessionTokens]:
        """Check the password and open a session."""
        await self._guard.enter(message.login, turn)
        row = await self._accounts.get_credential(message.login)
        password_hash = None if row is None else row["password_hash"]
        if not await self._passwords.verify(password_hash, message.password) or row is None:
            raise Unauthorized("login or password is wrong")
        self._guard.passed(message.login, turn)
        if row["status"] == "blocked":
            raise Forbidden("the account is blocked")
        renewed, writes = await self._renew(row, message.password, turn)
        opening = self._doorkeeper.open(user_of(row), renewed, turn)
        return Decision(reply=opening.reply, opens=[opening.opened], writes=[*writes, opening.write])

    async def _renew(self, row: Record, password: str, turn: Turn) -> tuple[str, list[Write]]:
        """Hash the password anew when the cost in force is another one than when it was set."""
        was: str = row["password_hash"]
        if not self._passwords.is_outdated(was):
            return was, []
        becomes = await self._passwords.hash(password)
        return becomes, [Write(C.update_credential, (row["id"], was, becomes, turn.now))]

    @handles(together=64)
    def refresh(self, batch: Sequence[tuple[Refresh, Turn]]) -> Together[SessionTokens]:
        """Exchange tokens, all of a batch in one statement; the database decides who comes first."""
        now = batch[0][1].now
        successors = [new_secret() for _ in batch]
        args = (
            [digest(message.refresh_token) for message, _ in batch],
            [digest(successor) for successor in successors],
            now + self._doorkeeper.refresh_lifetime,
            now,
            _encode(now).decode().strip('"'),
            [turn.id for _, turn in batch],
        )

        def settle(rows: list[Any]) -> Settled[SessionTokens]:
            pairs = zip(rows, successors, batch, strict=True)
            replies = [self._rotated(row, successor, turn) for row, successor, (_, turn) in pairs]
            return Settled(replies=replies, events=_stolen(rows, now))

        return Together(statement=Q.rotate_tokens, args=args, settle=settle)

    def _rotated(self, row: Record, successor: str, turn: Turn) -> SessionTokens | DomainError:
        if row["verdict"] != "rotated":
            return Unauthorized("the refresh token is not good, or not any more")
        return self._doorkeeper.tokens(user_of(row), row["session_id"], successor, turn)

    @handles
    async def list_sessions(self, message: ListSessions, turn: Turn) -> Page[Session]:
        """A page of the caller's living sessions, newest first."""
        before = decode_cursor(message.cursor, Id)
        seen_after = turn.now - self._doorkeeper.refresh_lifetime
        rows = await self._store.list_sessions(turn.caller.user_id or "", seen_after, before, message.limit + 1)

        def show(row: Record) -> Session:
            return Session(**row, current=row["id"] == turn.caller.session_id)

        return page_of(rows, message.limit, show, lambda row: row["id"])

    @handles(together=64)
    def log_out(self, batch: Sequence[tuple[LogOut, Turn]]) -> Together[None]:
        """End the callers' own sessions; one that has ended already stays so."""
        return _end([(turn.caller.session_id, "logout", turn) for _, turn in batch], missing=_no_session)

    @handles(together=64)
    def end_session(self, batch: Sequence[tuple[EndSession, Turn]]) -> Together[None]:
        """End sessions that their owners no longer want. NotFound for those of others."""
        return _end([(message.session_id, "ended", turn) for message, turn in batch], missing=_not_found)


def _no_session(turn: Turn) -> DomainError | None:
    return None if turn.caller.session_id is not None else Forbidden("an API key has no session")


def _not_found(turn: Turn) -> DomainError | None:
    del turn
    return NotFound("no such session")


def _end(
    asked: Sequence[tuple[str | None, str, Turn]], *, missing: Callable[[Turn], DomainError | None]
) -> Together[None]:
    """End (session, reason) by its owner's wish; ``missing`` answers where there was nothing to end."""
    now = asked[0][2].now
    bodies = [
        _encode(SessionEnded(at=now, session_id=session or "", user_id=turn.caller.user_id or "", reason=reason))
        for session, reason, turn in asked
    ]
    args = (
        [session for session, _, _ in asked],
        [turn.caller.user_id for _, _, turn in asked],
        [reason for _, reason, _ in asked],
        [body.decode() for body in bodies],
        [turn.id for _, _, turn in asked],
        now,
    )

    def settle(rows: list[Any]) -> Settled[None]:
        replies = [missing(turn) if row["n"] is None else None for row, (_, _, turn) in zip(rows, asked, strict=True)]
        events = [
            _stored(session or "", row["n"], body, now)
            for row, (session, _, _), body in zip(rows, asked, bodies, strict=True)
            if row["n"] is not None
        ]
        return Settled(replies=replies, events=events)

    return Together(statement=Q.end_sessions, args=args, settle=settle)


def _stolen(rows: Sequence[Record], now: datetime) -> list[Stored]:
    """The events of sessions that a second use of a token has ended, each once, for the publisher."""
    ended = {row["session_id"]: row for row in rows if row["n"] is not None}
    return [_stored(session, row["n"], row["body"].encode(), now) for session, row in ended.items()]


def _stored(session_id: str, n: int, body: bytes, at: datetime) -> Stored:
    return Stored(f"session:{session_id}", n, "session.ended", body, at)
