"""The service for every view of chats, and for what concerns more than one room."""

from collections.abc import Callable, Sequence

from actors.chat import creating, reading
from actors.chat.messages import load_message
from actors.chat.paging import page_of, span_of
from actors.chat.presence import Presence
from actors.chat.views import chat_of, member_of
from actors.chat.words import query_of
from actors.cursors import decode_cursor, encode_cursor
from actors.errors import NotFound
from actors.messages.chat import (
    AddMember,
    Admit,
    ChangeChat,
    ChangeMember,
    Chat,
    ChatMessage,
    CreateChat,
    GetChat,
    GetMember,
    GetMessage,
    ListChats,
    ListMembers,
    ListMessages,
    ReadChat,
    Regulate,
    Rename,
    SearchMessages,
    SeenChat,
    SeenMember,
)
from actors.messages.fields import Id, Page
from actors.runtime.actor import Ref, Service, Together, Turn, handles
from actors.runtime.message import Aware
from storage.chat_view import ChatViews
from storage.postgres import Record

TOGETHER = 200
_NO_CHAT = "no such chat"


class Chats(Service):
    """Reads see what is committed, and only what the caller is a member of: to a stranger there is no such chat."""

    kind = "chats"
    asks = frozenset({"chat"})
    concurrency = 64

    def __init__(self, views: ChatViews, ref: Callable[[str, str], Ref], presence: Presence) -> None:
        self._views = views
        self._ref = ref
        self._presence = presence

    @handles
    async def create(self, message: CreateChat, turn: Turn) -> SeenChat:
        """Begin a group, or a direct chat unless it is there."""
        chat_id, made = await creating.found(message, turn, self._views, self._ref)
        return SeenChat(chat=await self._chat(turn, chat_id), made=made)

    @handles
    async def list_chats(self, message: ListChats, turn: Turn) -> Page[Chat]:
        """A page of the caller's chats, by last activity."""
        before = decode_cursor(message.cursor, tuple[Aware, Id])
        rows = await self._views.list_chats(_viewer(turn), before, message.limit + 1)
        shown = rows[: message.limit]
        cursor = encode_cursor((shown[-1]["active_at"], shown[-1]["id"])) if len(rows) > message.limit else None
        return Page([chat_of(row) for row in shown], cursor)

    @handles
    async def get(self, message: GetChat, turn: Turn) -> Chat:
        """One of the caller's chats."""
        return await self._chat(turn, message.chat_id)

    @handles
    async def change(self, message: ChangeChat, turn: Turn) -> Chat:
        """Change a group's card."""
        wish = Rename(
            chat_id=message.chat_id, name=message.name, description=message.description, notice=message.notice
        )
        await self._ref("chat", message.chat_id).ask(wish, turn.caller)
        return await self._chat(turn, message.chat_id)

    @handles
    async def list_members(self, message: ListMembers, turn: Turn) -> Page[SeenMember]:
        """A page of members, those who came first first."""
        after = decode_cursor(message.cursor, tuple[Aware, Id])
        rows = _there(await self._views.list_members(_viewer(turn), message.chat_id, after, message.limit + 1))
        shown = rows[: message.limit]
        cursor = encode_cursor((shown[-1]["joined_at"], shown[-1]["user_id"])) if len(rows) > message.limit else None
        return Page(await self._with_presence(shown), cursor)

    @handles
    async def add_member(self, message: AddMember, turn: Turn) -> SeenMember:
        """Bring somebody into a group."""
        [person] = await creating.find_people(self._views, turn, [message.user_id])
        admit = Admit(chat_id=message.chat_id, person=person, role=message.role)
        await self._ref("chat", message.chat_id).ask(admit, turn.caller, idempotency=turn.idempotency)
        return await self._member(turn, message.chat_id, person.user_id)

    @handles
    async def get_member(self, message: GetMember, turn: Turn) -> SeenMember:
        """Somebody of a chat that the caller is in."""
        return await self._member(turn, message.chat_id, message.user_id)

    @handles
    async def change_member(self, message: ChangeMember, turn: Turn) -> SeenMember:
        """Change what is named of a member."""
        wish = Regulate(
            chat_id=message.chat_id, user_id=message.user_id, role=message.role, muted=message.muted,
            silenced=message.silenced,
        )  # fmt: skip
        await self._ref("chat", message.chat_id).ask(wish, turn.caller)
        return await self._member(turn, message.chat_id, message.user_id)

    @handles
    async def list_messages(self, message: ListMessages, turn: Turn) -> Page[ChatMessage]:
        """A page of a chat's messages, or of those that fit ``q``."""
        span, viewer, more = span_of(message), _viewer(turn), message.limit + 1
        if message.q is None:
            rows = await self._views.list_messages(viewer, message.chat_id, **span._asdict(), limit=more)
        else:
            words = query_of(message.q, message.chat_id)
            rows = await self._views.find_messages(viewer, message.chat_id, words, **span._asdict(), limit=more)
        return page_of([load_message(row) for row in _there(rows)], span, message.limit)

    @handles
    async def search(self, message: SearchMessages, turn: Turn) -> Page[ChatMessage]:
        """A page of messages of all the caller's chats that fit ``q``, newest first."""
        before = decode_cursor(message.cursor, tuple[Aware, Id])
        rows = await self._views.search_messages(_viewer(turn), query_of(message.q), before, message.limit + 1)
        items = [load_message(row) for row in rows[: message.limit]]
        return Page(items, encode_cursor((items[-1].created_at, items[-1].id)) if len(rows) > message.limit else None)

    @handles
    async def get_message(self, message: GetMessage, turn: Turn) -> ChatMessage:
        """One message of one of the caller's chats."""
        row = await self._views.get_message(_viewer(turn), message.message_id)
        if row is None:
            raise NotFound("no such message")
        return load_message(row)

    @handles(together=TOGETHER)
    def read(self, batch: Sequence[tuple[ReadChat, Turn]]) -> Together[None]:
        """Move read marks forward."""
        return reading.mark(batch)

    async def _chat(self, turn: Turn, chat_id: str) -> Chat:
        row = await self._views.get_chat(_viewer(turn), chat_id)
        if row is None:
            raise NotFound(_NO_CHAT)
        return chat_of(row)

    async def _member(self, turn: Turn, chat_id: str, user_id: str) -> SeenMember:
        row = await self._views.get_member(_viewer(turn), chat_id, user_id)
        if row is None:  # gone again meanwhile, or the caller is
            raise NotFound("no such member")
        [member] = await self._with_presence([row])
        return member

    async def _with_presence(self, rows: Sequence[Record]) -> list[SeenMember]:
        people = [row["user_id"] for row in rows]
        online, last_seen = await self._presence.online(people), await self._presence.last_seen(people)
        return [member_of(row, online, last_seen) for row in rows]


def _viewer(turn: Turn) -> str:
    return turn.caller.user_id or ""


def _there(rows: list[Record] | None) -> list[Record]:
    """What a stranger does not get. Raises `NotFound`."""
    if rows is None:
        raise NotFound(_NO_CHAT)
    return rows
