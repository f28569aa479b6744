"""Who may do what to whom: roles, ranks, and the table of permissions."""

from actors.account.state import AccountState
from actors.errors import Conflict, Forbidden, NotFound
from actors.messages.account import CheckPermission, Permission
from actors.messages.user import Role, User
from actors.runtime.message import Caller
from storage import queries
from storage.write import Write

Q = queries.load("account")

_RANK = {"anonymous": 0, "user": 1, "vip": 1, "admin": 2, "super_admin": 3, "system": 4}

_OWN = frozenset({"create", "read", "update", "delete"})
_ALL = _OWN | {"manage"}
_USER_MAY = {
    "api_key": _OWN, "canvas": _OWN, "chat": _OWN, "design": _OWN, "file": _OWN, "letter": _OWN, "message": _OWN,
    "notification": frozenset({"read", "update", "delete"}), "profile": frozenset({"read", "update"}),
    "project": _OWN, "quota": frozenset({"read"}), "session": frozenset({"create", "read", "delete"}),
    "report": frozenset({"create"}), "push": frozenset({"create", "read", "delete"}),
    "task": _OWN, "user": frozenset({"read", "update", "delete"}),
    "courier": frozenset({"create", "read", "update"}), "delivery": frozenset(), "label": frozenset({"read"}),
    "op_code": frozenset({"create", "read", "update"}), "system": frozenset(),
}  # fmt: skip
"""What everybody may do with what is their own; ``manage`` means with what is anybody's."""

_COURIER_MAY = {
    "courier": {"manage": 2}, "delivery": {"read": 1, "update": 1, "manage": 2},
    "label": {"create": 3, "update": 1, "manage": 3}, "op_code": {"delete": 2, "manage": 2},
}  # fmt: skip
"""What couriers may do beyond that in their territory, and from which level on."""


def there(state: AccountState | None) -> User:
    """The account's user. Raises `NotFound` when there is none (any more)."""
    if state is None:
        raise NotFound("no such user")
    return state.user


def require_reach(state: AccountState | None, caller: Caller) -> User:
    """The user, if ``caller`` is that person or has a higher rank; a super_admin reaches everybody.

    Raises:
        NotFound: a stranger has no business with the account.
        Forbidden: an administrator whose rank is not above the account's.
    """
    user = there(state)
    if caller.user_id == user.id or caller.role in {"super_admin", "system"}:
        return user
    if not caller.is_admin:
        raise NotFound("no such user")
    if _RANK[caller.role] <= _RANK[user.role]:
        raise Forbidden("only a super_admin may do this to an administrator")
    return user


def require_self_or_admin(state: AccountState | None, caller: Caller) -> User:
    """The user, if ``caller`` is that person or an administrator. Raises `NotFound`."""
    user = there(state)
    if caller.user_id != user.id and not caller.is_admin:
        raise NotFound("no such user")
    return user


def check_role_change(was: Role, becomes: Role, caller: Caller) -> None:
    """Only a super_admin makes or unmakes administrators. Raises `Forbidden`."""
    if max(_RANK[was], _RANK[becomes]) >= _RANK["admin"] and caller.role not in {"super_admin", "system"}:
        raise Forbidden("only a super_admin makes or unmakes administrators")


def let_go(user: User) -> list[Write]:
    """The writes that let an account stop being an active super_admin: one has to stay."""
    if user.role != "super_admin" or user.status != "active":
        return []
    return [Write(Q.lock_super_admins, (user.id,), expect=1, otherwise=Conflict("the last super_admin has to stay"))]


def check_permission(user: User, asked: CheckPermission) -> Permission:
    """Look the question up in the table, and say why."""
    if user.status == "blocked":
        return Permission(allowed=False, reason="the account is blocked")
    if asked.resource not in _USER_MAY:
        return Permission(allowed=False, reason="there is no such resource")
    if user.role in {"admin", "super_admin"}:
        return Permission(allowed=True, reason=f"role {user.role}")
    if asked.action in _USER_MAY[asked.resource]:
        return Permission(allowed=True, reason="with one's own")
    if (level := user.courier_level) is not None and level >= _COURIER_MAY.get(asked.resource, {}).get(asked.action, 9):
        return Permission(allowed=True, reason=f"in the territory of a courier of level {level}")
    return Permission(allowed=False, reason=f"role {user.role} may not")
