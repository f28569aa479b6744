"""What happens to a room's members and its card: every change with its rows, and what the house says of it."""

from msgspec.structs import replace

from actors.chat.beginning import hold, insert_member
from actors.chat.members import next_owner
from actors.chat.minutes import Minutes
from actors.messages.chat import (
    ChatCard,
    ChatChanged,
    ChatDeleted,
    Member,
    MemberChanged,
    MemberJoined,
    MemberLeft,
    MemberRole,
    Person,
)
from storage import queries
from storage.write import Write

Q = queries.load("chat")


def join(minutes: Minutes, admitter: Member, person: Person, role: MemberRole) -> Member:
    """Bring somebody in. All that was said is read, this with it."""
    room = minutes.room
    member = Member(user_id=person.user_id, username=person.username, role=role, joined_at=minutes.at)
    event = MemberJoined(at=minutes.at, chat_id=room.card.id, member=member, members_count=room.card.members_count + 1)
    minutes.tell(event, hold(person), insert_member(room.card.id, member, room.last_seq + 1))
    minutes.note(admitter.user_id, f"{admitter.username} added {member.username}")
    return member


def leave(minutes: Minutes, member: Member, remover: Member | None = None) -> None:
    """Let somebody go, by themselves or removed. The last one to go ends the chat."""
    card = minutes.room.card
    event = MemberLeft(
        at=minutes.at, chat_id=card.id, user_id=member.user_id,
        removed_by=remover.user_id if remover else None, members_count=card.members_count - 1,
    )  # fmt: skip
    minutes.tell(event, Write(Q.delete_member, (card.id, member.user_id)))
    if not minutes.room.members:
        minutes.tell(ChatDeleted(at=minutes.at, chat_id=card.id))
    elif remover is None:
        minutes.note(member.user_id, f"{member.username} left")
    else:
        minutes.note(remover.user_id, f"{remover.username} removed {member.username}")


def amend(minutes: Minutes, member: Member) -> Member:
    """Let a member be like this."""
    chat_id = minutes.room.card.id
    row = (chat_id, member.user_id, member.role, member.muted, member.silenced)
    minutes.tell(MemberChanged(at=minutes.at, chat_id=chat_id, member=member), Write(Q.update_member, row))
    return member


def hand_over(minutes: Minutes, owner: Member, heir: Member) -> Member:
    """Let the group have another owner, who is heard; the last one, where still there, administers it from now on."""
    if owner.user_id in minutes.room.members:
        amend(minutes, replace(owner, role="admin"))
    heir = amend(minutes, replace(heir, role="owner", silenced=False))
    minutes.tell(ChatChanged(at=minutes.at, chat=replace(minutes.room.card, owner_id=heir.user_id)))
    minutes.note(owner.user_id, f"{owner.username} handed the group over to {heir.username}")
    return heir


def lose(minutes: Minutes, member: Member) -> None:
    """Let somebody go whose account has ended. An owner's group goes to the next one."""
    leave(minutes, member)
    heir = next_owner(minutes.room) if member.role == "owner" else None
    if heir is not None:
        hand_over(minutes, member, heir)


def rename(minutes: Minutes, doer: Member, card: ChatCard) -> None:
    """Let the card be like this. A new name and a new notice are spoken of."""
    was = minutes.room.card
    row = (card.id, card.name, card.description, card.notice)
    minutes.tell(ChatChanged(at=minutes.at, chat=card), Write(Q.update_card, row))
    if card.name != was.name:
        minutes.note(doer.user_id, f"{doer.username} changed the name to {card.name}")
    if card.notice != was.notice:
        minutes.note(doer.user_id, f"{doer.username} changed the notice")
