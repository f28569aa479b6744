"""Sessions, passwords and tokens on the wire."""

from actors.messages.password import (
    ChangePassword,
    ConfirmPasswordReset,
    IssuePasswordReset,
    ReplayPasswordReset,
    RequestPasswordReset,
    VerifyEmail,
)
from actors.messages.session import EndSession, GetKeySet, ListSessions, LogIn, LogOut, Refresh, VerifyToken
from handlers.account import account_of
from handlers.operation import Access, Operation

_TAG = "session"

OPERATIONS = [
    Operation(
        method="POST", path="/users/login", message=LogIn, to="sessions", tag=_TAG, access=Access.PUBLIC, rate="auth",
        summary="Log in by username or e-mail address", errors=("unauthorized", "forbidden"),
        example={"login": "ada", "password": "correct horse battery"},
    ),
    Operation(
        method="POST", path="/auth/refresh", message=Refresh, to="sessions", tag=_TAG, access=Access.PUBLIC,
        rate="auth", summary="Exchange a refresh token for new tokens, once; a second use ends the session",
        errors=("unauthorized",), example={"refresh_token": "w1Q...43 characters"},
    ),
    Operation(
        method="POST", path="/auth/logout", message=LogOut, to="sessions", tag=_TAG, status=204, rate="write",
        summary="End this session: its tokens and sockets",
    ),
    Operation(
        method="POST", path="/auth/verify", message=VerifyToken, to="tokens", tag=_TAG, access=Access.PUBLIC,
        summary="What a token stands for now, for other services", example={"token": "eyJ..."},
    ),
    Operation(
        method="GET", path="/auth/sessions", message=ListSessions, to="sessions", tag=_TAG,
        summary="My living sessions, newest first",
    ),
    Operation(
        method="DELETE", path="/auth/sessions/{session_id}", message=EndSession, to="sessions", tag=_TAG, status=204,
        rate="write", summary="End one of my sessions", errors=("not_found",),
    ),
    Operation(
        method="PUT", path="/users/me/password", message=ChangePassword, to="passwords", tag=_TAG, rate="auth",
        summary="Change my password; ends my other sessions", errors=("forbidden", "conflict"),
        example={"current": "correct horse battery", "new": "staple correct horse"},
    ),
    Operation(
        method="POST", path="/auth/password-reset", message=RequestPasswordReset, to="passwords", tag=_TAG,
        access=Access.PUBLIC, status=202, rate="auth", summary="Mail a reset token, if somebody has this address",
        example={"email": "ada@example.org"},
    ),
    Operation(
        method="POST", path="/auth/password-reset/confirm", message=ConfirmPasswordReset, to="passwords", tag=_TAG,
        access=Access.PUBLIC, rate="auth", summary="Set a new password by a reset token; ends all sessions",
        example={"token": "w1Q...43 characters", "password": "staple correct horse"},
    ),
    Operation(
        method="POST", path="/users/{user_id}/password-reset", message=IssuePasswordReset, to="account",
        key=account_of, tag=_TAG, access=Access.ADMIN, status=201, rate="write",
        replays=lambda _, user_id: ReplayPasswordReset(user_id=user_id), errors=("not_found", "conflict"),
        summary="Make a reset token to hand over by other means than mail",
    ),
    Operation(
        method="POST", path="/auth/verify-email", message=VerifyEmail, to="passwords", tag=_TAG,
        access=Access.PUBLIC, rate="auth", summary="Prove that mail arrives", errors=("conflict",),
        example={"token": "w1Q...43 characters"},
    ),
    Operation(
        method="GET", path="/.well-known/jwks.json", message=GetKeySet, to="tokens", tag=_TAG, access=Access.PUBLIC,
        summary="The public keys of access tokens (RFC 7517); none while a shared secret signs them",
    ),
]  # fmt: skip
