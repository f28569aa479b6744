"""A chat: the actor that owns its rows, but for read marks. Its stream ``chat:<id>`` is the channel of that name.

To who is not in a chat there is no such chat. What only the rows know (is the message that is answered of this chat, do
the two of a direct chat let each other write) is checked by writes of the same turn, so that sending reads nothing, and
the messages that wait for a room share one transaction.
"""

from collections.abc import Sequence
from functools import partial

from msgspec import UNSET
from msgspec.structs import replace

from actors.chat import beginning, changes
from actors.chat.live import Publish, Typists, live
from actors.chat.members import (
    check_removal,
    find_member,
    regulated,
    require_member,
    require_rank,
)
from actors.chat.messages import (
    check_text,
    checks,
    compose,
    edited,
    insert,
    load_message,
    moment,
    newly_named,
    peace,
    recalled,
    require_reach,
    require_voice,
    update,
)
from actors.chat.minutes import Minutes
from actors.chat.state import RoomState, fold, load_state, save_state, there
from actors.errors import Conflict, DomainError, NotFound
from actors.messages.chat import (
    Admit,
    ChatCard,
    ChatDeleted,
    ChatMessage,
    ChatTyping,
    DeleteChat,
    EditMessage,
    FoundChat,
    IsMember,
    LoseMember,
    Member,
    MessageCreated,
    MessageEdited,
    MessageRecalled,
    RecallMessage,
    Regulate,
    RemoveMember,
    Rename,
    SendMessage,
    SentMessage,
    TypeMessage,
)
from actors.runtime.actor import Decision, Entity, Snapshot, Turn, handles
from actors.runtime.message import Event
from storage import queries
from storage.chat import ChatStore
from storage.write import Write

Q = queries.load("chat")
MOST_MEMBERS = 2_000


class Room(Entity[RoomState]):
    """See the module. ``publish`` takes what is told live only; ``most`` bounds the members of a group."""

    kind = "chat"

    def __init__(self, store: ChatStore, publish: Publish, most: int = MOST_MEMBERS) -> None:
        self._store = store
        self._publish = publish
        self._most = most
        self._typists = Typists()

    async def load(self, key: str) -> Snapshot[RoomState] | None:
        """Read the chat and its members; None when there is no such chat (any more)."""
        row = await self._store.get_chat(key)
        return None if row is None else Snapshot(load_state(key, row), row["n"])

    def apply(self, state: RoomState | None, event: Event) -> RoomState | None:
        """See `actors.chat.state`."""
        return fold(state, event)

    def save(self, key: str, state: RoomState | None, n: int) -> Sequence[Write]:
        """Write the row, or remove it with all that is in it."""
        return [Write(Q.delete_chat, (key,))] if state is None else [save_state(state, n)]

    @handles
    def found(self, state: RoomState | None, message: FoundChat, turn: Turn) -> Decision[ChatCard]:
        """Begin."""
        if state is not None:
            raise Conflict("the chat is there already")
        created, writes = beginning.begin(message, turn.now, self._most)
        return Decision(reply=created.chat, events=[created], writes=writes, made=message.chat_id)

    @handles
    def rename(self, state: RoomState | None, message: Rename, turn: Turn) -> ChatCard | Decision[ChatCard]:
        """Change what is named of the card."""
        room, member = require_member(state, turn.caller)
        require_rank(room, member, "admin")
        named = {
            name: value for name in ("name", "description", "notice") if (value := getattr(message, name)) is not UNSET
        }
        for name, value in named.items():
            check_text(value, f"$.{name}")
        card = replace(room.card, **named)
        if card == room.card:
            return card
        beginning.check_name(card.name)
        minutes = Minutes(room, turn.now)
        changes.rename(minutes, member, card)
        return minutes.decision(card)

    @handles
    def delete(self, state: RoomState | None, message: DeleteChat, turn: Turn) -> Decision[None]:
        """End the group."""
        room, member = require_member(state, turn.caller)
        require_rank(room, member, "owner")
        return Decision(events=[ChatDeleted(at=moment(room, turn.now), chat_id=message.chat_id)])

    @handles
    def admit(self, state: RoomState | None, message: Admit, turn: Turn) -> Member | Decision[Member]:
        """Bring somebody in; whoever is in already stays as they are."""
        room, admitter = require_member(state, turn.caller)
        require_rank(room, admitter, "owner" if message.role == "admin" else "admin")
        there_already = room.members.get(message.person.user_id)
        if there_already is not None:
            return there_already
        if len(room.members) >= self._most:
            raise Conflict("the group is full")
        minutes = Minutes(room, turn.now)
        joined = changes.join(minutes, admitter, message.person, message.role)
        return minutes.decision(joined, made=joined.user_id)

    @handles
    def regulate(self, state: RoomState | None, message: Regulate, turn: Turn) -> Member | Decision[Member]:
        """Change what is named of a member."""
        room, regulator = require_member(state, turn.caller)
        was = find_member(room, message.user_id)
        member = regulated(room, regulator, was, message)
        if member == was:
            return member
        minutes = Minutes(room, turn.now)
        if member.role == "owner" and was.role != "owner":
            member = changes.hand_over(minutes, regulator, member)
        else:
            changes.amend(minutes, member)
        return minutes.decision(member)

    @handles
    def remove(self, state: RoomState | None, message: RemoveMember, turn: Turn) -> Decision[None]:
        """Let somebody leave, or be removed. The last one to leave ends the group."""
        room, remover = require_member(state, turn.caller)
        member = find_member(room, message.user_id)
        check_removal(room, remover, member)
        minutes = Minutes(room, turn.now)
        changes.leave(minutes, member, None if remover is member else remover)
        return minutes.decision(None)

    @handles
    def lose(self, state: RoomState | None, message: LoseMember, turn: Turn) -> Decision[None] | None:
        """Let somebody go whose account has ended. Where they are not (any more), nothing happens."""
        if state is None or message.user_id not in state.members:
            return None
        minutes = Minutes(state, turn.now)
        changes.lose(minutes, state.members[message.user_id])
        return minutes.decision(None)

    @handles
    def is_member(self, state: RoomState | None, message: IsMember, turn: Turn) -> bool:
        """Whether somebody is in the room."""
        del turn
        return state is not None and message.user_id in state.members

    @handles(joins=True)
    def send(self, state: RoomState | None, message: SendMessage, turn: Turn) -> Decision[SentMessage]:
        """Add a message. A ``client_id`` that was taken finds the first one."""
        room, sender = require_member(state, turn.caller)
        sent = compose(room, message, sender, turn.now)
        return Decision(
            reply=SentMessage(message=sent),
            refused=None if message.client_id is None else partial(self._first, message, sender.user_id),
            events=[MessageCreated(at=sent.created_at, message=sent)],
            writes=[*checks(room, sender.user_id, message.reply_to), insert(sent, message.client_id)],
            made=sent.id,
        )

    @handles
    async def edit(
        self, state: RoomState | None, message: EditMessage, turn: Turn
    ) -> ChatMessage | Decision[ChatMessage]:
        """Change the words of a message."""
        room, member = require_member(state, turn.caller)
        was = await self._message(message.chat_id, message.message_id)
        require_reach(was, member)
        require_voice(member)
        now = edited(room, was, message.content, turn.now)
        if now.content == was.content:
            return was
        return Decision(
            reply=now,
            events=[MessageEdited(at=moment(room, turn.now), message=now, named=newly_named(was, now))],
            writes=[*peace(room, member.user_id), update(now)],
        )

    @handles
    async def recall(self, state: RoomState | None, message: RecallMessage, turn: Turn) -> Decision[None] | None:
        """Take a message back. Who administers the house need not be in the room; again changes nothing."""
        room = there(state)
        member = None if turn.caller.is_admin else require_member(room, turn.caller)[1]
        was = await self._message(message.chat_id, message.message_id)
        if member is not None:
            require_reach(was, member)
        if was.recalled_at is not None:
            return None
        now = recalled(room, was, turn.now)
        event = MessageRecalled(at=moment(room, turn.now), message=now, by=turn.caller.user_id)
        return Decision(events=[event], writes=[update(now)])

    @handles
    def tell_typing(self, state: RoomState | None, message: TypeMessage, turn: Turn) -> Decision[None] | None:
        """Tell the others that the caller is writing; not so often, and not where they may not."""
        room, member = require_member(state, turn.caller)
        require_voice(member)
        if not self._typists.is_due(message.chat_id, member.user_id, turn.now):
            return None
        told = live(message.chat_id, ChatTyping(at=turn.now, user_id=member.user_id))
        return Decision(writes=peace(room, member.user_id), after=lambda: self._publish([told]))

    async def _message(self, chat_id: str, message_id: str) -> ChatMessage:
        row = await self._store.get_message(chat_id, message_id)
        if row is None:
            raise NotFound("no such message")
        return load_message(row)

    async def _first(self, message: SendMessage, sender_id: str, error: DomainError) -> SentMessage:
        """The message that was sent under this ``client_id`` before, as it is now: whatever would refuse it today."""
        row = await self._store.get_sent(message.chat_id, sender_id, message.client_id or "")
        if row is None:
            raise error
        return SentMessage(message=load_message(row), made=False)
