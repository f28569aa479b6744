"""The service for every view of profiles, and for what people want with each other."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from actors.cursors import decode_cursor, page_of
from actors.errors import NotFound
from actors.messages.account import ChangeAccount, GetAccount
from actors.messages.fields import Id, Page
from actors.messages.profile import (
    Acquaintance,
    BlockPerson,
    ChangeAbout,
    ChangeProfile,
    Counts,
    FollowPerson,
    GetOwnProfile,
    GetProfile,
    ListFollowers,
    ListFollowing,
    Profile,
    Relation,
    UnblockPerson,
    UnfollowPerson,
)
from actors.messages.user import PublicUser, SeenUser
from actors.profile import ties
from actors.runtime.actor import Ref, Service, Together, Turn, handles
from actors.runtime.message import Aware
from storage.postgres import Record
from storage.profile import ProfileStore

TOGETHER = 200


class Profiles(Service):
    """Reads see what is committed, and to whom: a person whom somebody has blocked finds nothing of them."""

    kind = "profiles"
    asks = frozenset({"account", "profile"})
    concurrency = 64

    def __init__(self, store: ProfileStore, ref: Callable[[str, str], Ref]) -> None:
        self._store = store
        self._ref = ref

    @handles
    async def get(self, message: GetProfile, turn: Turn) -> Profile:
        """One profile, with the caller's relation to it."""
        return _profile(await self._visible(turn, username=message.username))

    @handles
    async def get_own(self, message: GetOwnProfile, turn: Turn) -> Profile:
        """The caller's profile."""
        del message
        return _profile(await self._visible(turn, user_id=turn.caller.user_id))

    @handles
    async def see_account(self, message: GetAccount, turn: Turn) -> SeenUser:
        """What a stranger sees of an account."""
        row = await self._store.get_person(message.user_id, turn.caller.user_id)
        if row is None:
            raise NotFound("no such user")
        return SeenUser(public=PublicUser(**row))

    @handles
    async def change(self, message: ChangeProfile, turn: Turn) -> Profile:
        """Change what is named: the avatar by the account, then the rest by the profile.

        These are two transactions, each by the row's owner. Should the second one fail, the same request again
        makes the change whole.
        """
        me = turn.caller.user_id or ""
        if message.avatar is not msgspec.UNSET:
            await self._ref("account", me).ask(ChangeAccount(user_id=me, avatar=message.avatar), turn.caller)
        about = ChangeAbout(display_name=message.display_name, bio=message.bio, tags=message.tags)
        await self._ref("profile", me).ask(about, turn.caller)
        return _profile(await self._visible(turn, user_id=me))

    @handles(together=TOGETHER)
    def change_ties(
        self, batch: Sequence[tuple[FollowPerson | UnfollowPerson | BlockPerson | UnblockPerson, Turn]]
    ) -> Together[None]:
        """Follow, unfollow, block, unblock: in one mailbox, so that each caller's wishes keep their order."""
        return ties.change(batch)

    @handles
    async def list_followers(self, message: ListFollowers, turn: Turn) -> Page[Acquaintance]:
        """A page of those who follow a person."""
        return await self._list(self._store.list_followers, message, turn)

    @handles
    async def list_following(self, message: ListFollowing, turn: Turn) -> Page[Acquaintance]:
        """A page of those whom a person follows."""
        return await self._list(self._store.list_following, message, turn)

    async def _list(
        self, read: Callable[..., Any], message: ListFollowers | ListFollowing, turn: Turn
    ) -> Page[Acquaintance]:
        before = decode_cursor(message.cursor, tuple[Aware, Id])
        person = await self._visible(turn, username=message.username)
        caller, limit = turn.caller, message.limit
        rows = await read(caller.user_id, person["id"], sees_all=caller.is_admin, before=before, limit=limit + 1)
        return page_of(rows, limit, _acquaintance, lambda row: (row["since"], row["id"]))

    async def _visible(self, turn: Turn, *, user_id: str | None = None, username: str | None = None) -> Record:
        """The row of somebody whom the caller may see; administrators see everybody. Raises `NotFound`."""
        caller = turn.caller
        row = await self._store.get_profile(
            caller.user_id, sees_all=caller.is_admin, user_id=user_id, username=username
        )
        if row is None:
            raise NotFound("no such person")
        return row


def _relation(row: Record) -> Relation:
    following, followed = row["is_following"], row["is_followed_by"]
    return Relation(
        is_following=following, is_followed_by=followed, is_mutual=following and followed, is_blocked=row["is_blocked"]
    )


def _profile(row: Record) -> Profile:
    return Profile(
        username=row["username"], display_name=row["display_name"], bio=row["bio"], avatar=row["avatar"],
        tags=row["tags"], counts=Counts(followers=row["followers"], following=row["following"], letters=row["letters"]),
        relation=_relation(row),
    )  # fmt: skip


def _acquaintance(row: Record) -> Acquaintance:
    return Acquaintance(
        id=row["id"], username=row["username"], display_name=row["display_name"], avatar=row["avatar"],
        relation=_relation(row), since=row["since"],
    )  # fmt: skip
