"""The rules of members: who may do what to whom. Pure functions.

An owner may do everything in a group; an administrator may change its card, bring people in, and silence or remove
members; a member may write, and leave. A direct chat has two members, who stay.
"""

from msgspec import UNSET
from msgspec.structs import replace

from actors.chat.state import RoomState
from actors.errors import Conflict, Forbidden, InvalidRequest, NotFound
from actors.messages.chat import Member, MemberRole, Regulate
from actors.runtime.message import Caller

RANK: dict[MemberRole, int] = {"member": 0, "admin": 1, "owner": 2}


def require_member(room: RoomState | None, caller: Caller) -> tuple[RoomState, Member]:
    """Return the room and the caller in it. Raises `NotFound`: to a stranger there is no such chat."""
    if room is not None:
        member = room.members.get(caller.user_id or "")
        if member is not None:
            return room, member
    raise NotFound("no such chat")


def require_group(room: RoomState) -> None:
    """Raise `Forbidden` for a direct chat: it stays as it is."""
    if room.card.kind == "direct":
        raise Forbidden("a direct chat is not changed")


def require_rank(room: RoomState, member: Member, least: MemberRole) -> None:
    """Raise `Forbidden` unless this is a group, and the member of this role in it, or a higher one."""
    require_group(room)
    if RANK[member.role] < RANK[least]:
        raise Forbidden(f"for {'its owner' if least == 'owner' else 'those who administer the group'} only")


def find_member(room: RoomState, user_id: str) -> Member:
    """Return somebody in the room. Raises `NotFound`."""
    if user_id not in room.members:
        raise NotFound("no such member")
    return room.members[user_id]


def check_removal(room: RoomState, remover: Member, member: Member) -> None:
    """May one remove the other, or leave? Raises `Forbidden`; `Conflict`: an owner of others does not just leave."""
    require_group(room)
    if remover.user_id == member.user_id:
        if member.role == "owner" and len(room.members) > 1:
            raise Conflict("hand the group over first")
    elif RANK[remover.role] <= RANK[member.role]:
        raise Forbidden("you may not remove them")


def regulated(room: RoomState, regulator: Member, member: Member, wish: Regulate) -> Member:
    """Return the member as the wish wants them. Raises `Forbidden`; `Conflict` for an owner who only steps down."""
    changed = member
    if wish.muted is not UNSET:
        if regulator.user_id != member.user_id:
            raise Forbidden("everybody mutes for themselves")
        changed = replace(changed, muted=wish.muted)
    if wish.silenced is not UNSET:
        _check_silencing(room, regulator, member, wish)
        changed = replace(changed, silenced=wish.silenced)
    if wish.role is not UNSET:
        require_rank(room, regulator, "owner")
        if member.role == "owner" and wish.role != "owner":
            raise Conflict("hand the group over first")
        changed = replace(changed, role=wish.role)
    return changed


def _check_silencing(room: RoomState, regulator: Member, member: Member, wish: Regulate) -> None:
    require_rank(room, regulator, "admin")
    if RANK[regulator.role] <= RANK[member.role]:
        raise Forbidden("you may not silence them")
    if wish.role == "owner" and wish.silenced:
        raise InvalidRequest("an owner is not silenced", path="$.silenced")


def next_owner(room: RoomState) -> Member | None:
    """Return whom a group goes to when its owner is gone: the eldest administrator, else the eldest member."""
    others = [member for member in room.members.values() if member.role != "owner"]
    return min(others, key=lambda one: (-RANK[one.role], one.joined_at, one.user_id), default=None)
