"""What people hear of chats who are not looking at them: invitations, a first unread message, being named.

Fed by events only. Delivery is at least once: an inbox takes each source (``chat:<id>:<n>``) once, and only then is it
noted that the person has been told.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from actors.chat.invitations import invitations
from actors.chat.talk import Place, Said, Talk, entry, mention, read_named, read_talks
from actors.chat.watched import Watched
from actors.errors import NotFound
from actors.messages.chat import LoseMember
from actors.messages.notification import Notice, TakeNotices
from actors.runtime.actor import Ref
from actors.runtime.message import SYSTEM
from actors.runtime.ports import Stored
from storage.chat_arrival import ChatArrivalStore
from storage.events import EventRow
from storage.postgres import Record

ARRIVALS = ("message.created", "message.edited", "chat.created", "member.joined", "account.deleted")
"""The events that `Arrivals.deliver` wants to hear of."""
AT_ONCE = 200
"""Actors that are asked at a time: they share commits, and none waits for its turn longer than an ask may."""

Elsewhere = Callable[[Sequence[str]], Awaitable[Mapping[str, set[str]]]]
"""Chats -> who watches them in other houses."""
Notices = dict[str, dict[str, Notice]]
"""Person -> source -> notice."""


class Arrivals:
    """The relay's consumer. What everybody has seen live costs one statement for a delivery of up to 500 events.

    Where everybody goes on watching, it costs none.
    """

    def __init__(
        self,
        store: ChatArrivalStore,
        ref: Callable[[str, str], Ref],
        watching: Callable[[str], set[str]],
        publish: Callable[[Sequence[Stored]], None],
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """``watching(chat_id)`` names those who see the chat live, ``elsewhere`` the same of all other houses.

        ``publish`` reaches whoever is connected.
        """
        self._store = store
        self._ref = ref
        self._watching = watching
        self._publish = publish
        self._elsewhere = elsewhere
        self._watched = Watched()

    async def deliver(self, events: Sequence[EventRow]) -> None:
        """Tell people. Raises whatever an inbox or a room raises but `NotFound`, so that the relay tries again."""
        notices: Notices = defaultdict(dict)
        for user_id, notice in await invitations(events, self._store):
            notices[user_id][notice.source] = notice
        talks = read_talks(event for event in events if event.type == "message.created")
        named = read_named(event for event in events if event.type == "message.edited")
        told = await self._hear(talks, named, notices) if talks or named else []
        await self._take(notices)
        if told:
            await self._store.update_told(told)
        await self._lose([event.stream.removeprefix("account:") for event in events if event.type == "account.deleted"])

    async def _hear(
        self, talks: Mapping[str, Talk], named: Sequence[tuple[Said, str]], notices: Notices
    ) -> list[tuple[str, str, int]]:
        """Add notices of what was said, and hint at it live; returns who will then have been told how far."""
        groups = await self._untold(talks)
        mentions = [*((said, one) for talk in talks.values() for said, one in talk.mentions), *named]
        self._publish([hint for group in groups if group["is_told"] for hint in _hints(talks, group)])
        untold = [group for group in groups if not group["is_told"]]
        if not untold and not mentions:
            return []
        names = await self._names([talks[group["chat_id"]] for group in untold], mentions)
        told = [one for group in untold for one in _tell(talks[group["chat_id"]], group, names, notices)]
        if mentions:
            await self._mention(mentions, names, notices)
        return told

    async def _untold(self, talks: Mapping[str, Talk]) -> list[Record]:
        """Groups of people who are to be told. Where everybody watches, the rows are asked but once."""
        watching = {chat_id: self._watching(chat_id) for chat_id in talks}
        if self._elsewhere is not None:
            for chat_id, others in (await self._elsewhere(list(talks))).items():
                watching[chat_id] |= others
        unsure = {
            chat_id: talk.newest
            for chat_id, talk in talks.items()
            if not self._watched.is_sure(talk, len(watching[chat_id]))
        }
        if not unsure:
            return []
        rows = await self._store.list_untold(unsure, {chat_id: watching[chat_id] for chat_id in unsure})
        for row in rows:
            if row["people"] is None:
                self._watched.note(talks[row["chat_id"]], len(watching[row["chat_id"]]))
        return [row for row in rows if row["people"] is not None]

    async def _names(self, talks: Sequence[Talk], mentions: Sequence[tuple[Said, str]]) -> Callable[[Said], str]:
        heard = {said.words.sender_id for talk in talks for said in talk.said}
        names = await self._store.list_names(heard | {said.words.sender_id for said, _ in mentions})
        return lambda said: names.get(said.words.sender_id, "Somebody")

    async def _mention(
        self, mentions: Sequence[tuple[Said, str]], names: Callable[[Said], str], notices: Notices
    ) -> None:
        """An entry for everybody who is named, also where the chat is muted, watched, or told of already."""
        pairs = [(said.words.chat_id, user_id, said.words.sender_id) for said, user_id in mentions]
        for number, row in (await self._store.list_mentioned(pairs)).items():
            said, user_id = mentions[number]
            notice = mention(said, Place(row["kind"], row["name"]), names(said))
            if (plain := notices[user_id].get(said.source)) is not None:
                notice = msgspec.structs.replace(notice, change=plain.change)
            notices[user_id][said.source] = notice

    async def _take(self, notices: Notices) -> None:
        await self._ask_all(
            [
                (self._ref("inbox", user_id), TakeNotices(user_id=user_id, notices=list(taken.values())))
                for user_id, taken in notices.items()
            ]
        )

    async def _lose(self, user_ids: Sequence[str]) -> None:
        """Let those go from their chats whose accounts have ended."""
        if user_ids:
            await self._ask_all(
                [
                    (self._ref("chat", chat_id), LoseMember(chat_id=chat_id, user_id=user_id))
                    for user_id, chat_id in await self._store.list_chats_of(user_ids)
                ]
            )

    async def _ask_all(self, asks: Sequence[tuple[Ref, Any]]) -> None:
        """Ask, some at a time. A person or a chat that is gone has nothing to do."""
        for first in range(0, len(asks), AT_ONCE):
            some: list[Awaitable[Any]] = [ref.ask(message, SYSTEM) for ref, message in asks[first : first + AT_ONCE]]
            for outcome in await asyncio.gather(*some, return_exceptions=True):
                if isinstance(outcome, BaseException) and not isinstance(outcome, NotFound):
                    raise outcome


def _hints(talks: Mapping[str, Talk], group: Record) -> list[Stored]:
    return talks[group["chat_id"]].hints(group["people"])


def _tell(talk: Talk, group: Record, names: Callable[[Said], str], notices: Notices) -> list[tuple[str, str, int]]:
    """Add the notices of people who have nothing told and unread; who has muted the chat gets no entry."""
    place, told = Place(group["kind"], group["name"]), []
    for user_id in group["people"]:
        said = talk.first_for(user_id, group["read_seq"])
        if said is None:
            continue
        notice = Notice(source=said.source) if group["muted"] else entry(said, place, names(said))
        change = talk.arrived(said.at)
        notices[user_id][said.source] = msgspec.structs.replace(notice, change=change)
        told.append((talk.chat_id, user_id, talk.newest))
    return told
