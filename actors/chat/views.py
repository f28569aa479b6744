"""From rows to what those in a chat see of it."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from actors.messages.chat import Chat, ChatMessage, SeenMember
from storage.postgres import Record

MOST_COUNTED = 1_000
"""Unread messages beyond this are not counted: the distance to the newest message has to do."""
_decode_message = msgspec.json.Decoder(ChatMessage).decode


def chat_of(row: Record) -> Chat:
    """One chat; a direct one goes by the other person's name."""
    newest = row["last_message"]
    return Chat(
        id=row["id"], kind=row["kind"], name=row["peer_name"] or row["name"], description=row["description"],
        notice=row["notice"], owner_id=row["owner_id"], peer_id=row["peer_id"], members_count=row["members_count"],
        role=row["role"], muted=row["muted"], last_message=None if newest is None else _decode_message(newest),
        unread_count=_unread(row), read_seq=row["read_seq"], created_at=row["created_at"],
    )  # fmt: skip


def _unread(row: Record) -> int:
    counted: int | None = row["unread"]
    distance: int = row["last_seq"] - row["read_seq"]
    return distance if counted is None or counted > MOST_COUNTED else counted


def member_of(row: Record, online: Collection[str], last_seen: dict[str, datetime]) -> SeenMember:
    """One member, with who is here and who was."""
    is_online = row["user_id"] in online
    return SeenMember(
        user_id=row["user_id"], username=row["username"], role=row["role"], muted=row["muted"],
        silenced=row["silenced"], joined_at=row["joined_at"], read_seq=row["read_seq"], online=is_online,
        last_seen_at=None if is_online else last_seen.get(row["user_id"]),
    )  # fmt: skip
