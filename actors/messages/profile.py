"""What is said about profiles, and what people want with each other: follow, unfollow, block, unblock."""

from typing import Annotated, ClassVar

import msgspec

from actors.messages.account import Avatar
from actors.messages.fields import Limit, Page
from actors.messages.user import Text, Username
from actors.runtime.message import Aware, Command, Event, Query

DisplayName = Annotated[Text, msgspec.Meta(min_length=1, max_length=100)]
Bio = Annotated[str, msgspec.Meta(max_length=1_000)]
Tag = Annotated[Text, msgspec.Meta(min_length=1, max_length=50)]
Tags = Annotated[tuple[Tag, ...], msgspec.Meta(max_length=20)]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a person, exact at the moment of the answer."""

    followers: int
    following: int
    letters: int = 0
    """Letters that the person has sealed; those without the writer's name would give them away."""


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """How the caller and a person stand to each other. ``is_blocked``: by the caller."""

    is_following: bool
    is_followed_by: bool
    is_mutual: bool
    is_blocked: bool


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A person as the caller sees them. ``relation`` to oneself is false throughout."""

    username: str
    display_name: str
    bio: str
    avatar: str | None
    tags: list[str]
    counts: Counts
    relation: Relation


class Acquaintance(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a list of followers or followed people. ``relation`` is the caller's, ``since`` the list's."""

    id: str
    username: str
    display_name: str
    avatar: str | None
    relation: Relation
    since: Aware


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of themselves. The avatar belongs to the account."""

    display_name: str
    bio: str = ""
    tags: tuple[str, ...] = ()


class GetProfile(Query[Profile], frozen=True, kw_only=True):
    """The profile of whoever has this username, whatever its case. NotFound for whom that person has blocked."""

    username: Username


class GetOwnProfile(Query[Profile], frozen=True, kw_only=True):
    """The caller's own profile."""


class ChangeProfile(Command[Profile], frozen=True, kw_only=True):
    """Change what is named of the caller's profile."""

    display_name: DisplayName | msgspec.UnsetType = msgspec.UNSET
    bio: Bio | msgspec.UnsetType = msgspec.UNSET
    avatar: Avatar | msgspec.UnsetType | None = msgspec.UNSET
    tags: Tags | msgspec.UnsetType = msgspec.UNSET


class ChangeAbout(Command[About], frozen=True, kw_only=True):
    """Change what is named; the same again is no change."""

    display_name: str | msgspec.UnsetType = msgspec.UNSET
    bio: str | msgspec.UnsetType = msgspec.UNSET
    tags: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET


class Wish(Command[None], frozen=True, kw_only=True):
    """What the caller wants with a person. NotFound for whom that person has blocked."""

    verb: ClassVar[str]
    username: Username


class FollowPerson(Wish, frozen=True, kw_only=True):
    """Follow; whoever does already stays so. Conflict while the caller blocks that person."""

    verb: ClassVar[str] = "follow"


class UnfollowPerson(Wish, frozen=True, kw_only=True):
    """Follow no longer."""

    verb: ClassVar[str] = "unfollow"


class BlockPerson(Wish, frozen=True, kw_only=True):
    """Be seen and followed by that person no longer; both stop following each other at the same moment."""

    verb: ClassVar[str] = "block"


class UnblockPerson(Wish, frozen=True, kw_only=True):
    """Lift a block. Follows that it ended stay ended."""

    verb: ClassVar[str] = "unblock"


class ListFollowers(Query[Page[Acquaintance]], frozen=True, kw_only=True):
    """Who follows a person, newest first."""

    username: Username
    limit: Limit = 20
    cursor: str | None = None


class ListFollowing(Query[Page[Acquaintance]], frozen=True, kw_only=True):
    """Whom a person follows, newest first."""

    username: Username
    limit: Limit = 20
    cursor: str | None = None


class ProfileChanged(Event, frozen=True, kw_only=True, tag="profile.changed"):
    """What a person says of themselves is now this."""

    about: About


class TieEvent(Event, frozen=True, kw_only=True):
    """Something between two people: ``user_id`` (with that ``username``) is whose tie it is, ``other_id`` to whom."""

    user_id: str
    other_id: str
    username: str


class PersonFollowed(TieEvent, frozen=True, kw_only=True, tag="profile.followed"):
    """Somebody follows another."""


class PersonUnfollowed(TieEvent, frozen=True, kw_only=True, tag="profile.unfollowed"):
    """Somebody follows another no longer: by their own wish, or because one of both has blocked the other."""


class PersonBlocked(TieEvent, frozen=True, kw_only=True, tag="profile.blocked"):
    """Somebody blocks another."""


class PersonUnblocked(TieEvent, frozen=True, kw_only=True, tag="profile.unblocked"):
    """Somebody blocks another no longer."""
