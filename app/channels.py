"""What realtime asks of the house: streams from the event table, and who may see a channel."""

from collections.abc import Callable, Mapping, Sequence

from actors.errors import NotFound
from actors.messages.chat import IsMember
from actors.messages.letter import ConcernsCaller
from actors.messages.task import GetTask
from actors.runtime.actor import Ref
from actors.runtime.message import Caller
from app.courier_channels import may_listen
from app.letter_channels import LETTER, public
from app.recalls import Recalls
from handlers.ports import Position, Publication
from storage.courier import CourierStore
from storage.events import EventStore


class Channels:
    """Implements `handlers.ports.Streams` and `handlers.ports.Permits`."""

    def __init__(
        self, events: EventStore, recalls: Recalls, couriers: CourierStore, ref: Callable[[str, str], Ref], epoch: str
    ) -> None:
        self._events = events
        self._couriers = couriers
        self._recalls = recalls
        self._ref = ref
        self._epoch = epoch

    async def position(self, channel: str) -> Position:
        """The head of the channel's stream."""
        return Position(await self._events.head(channel), self._epoch)

    async def offsets(self, channels: Sequence[str]) -> Mapping[str, int]:
        """The heads of many streams."""
        return await self._events.heads(channels)

    async def read(self, channel: str, after: int, limit: int, *, reverse: bool = False) -> Sequence[Publication]:
        """Publications in order, or newest first; without what was taken back since, or is private."""
        edge = None if reverse and not after else after
        rows = await self._events.read_stream(channel, edge, limit, reverse=reverse)
        quotes = channel.startswith(("chat:", "user:"))
        bodies = await self._recalls.blank(rows) if quotes else [row.body for row in rows]
        if channel.startswith(LETTER):
            bodies = [public(body) for body in bodies]
        return [Publication(row.n, body) for row, body in zip(rows, bodies, strict=True)]

    async def may_subscribe(self, caller: Caller, channel: str) -> bool:
        """Whether the caller may see the channel; what does not exist is not allowed either."""
        noun, _, key = channel.partition(":")
        match noun:
            case "user":
                return key == caller.user_id
            case "task":
                return await self._owns_task(caller, key)
            case "chat":
                return await self._ref("chat", key).ask(IsMember(chat_id=key, user_id=caller.user_id or ""), caller)
            case "letter":
                return await self._ref("letter", key).ask(ConcernsCaller(letter_id=key), caller)
            case "courier":
                return await may_listen(self._couriers, caller, key)
            case "system":
                return caller.is_admin
            case _:
                return False

    async def _owns_task(self, caller: Caller, task_id: str) -> bool:
        try:
            await self._ref("tasks", "").ask(GetTask(task_id=task_id), caller)
        except NotFound:
            return False
        return True
