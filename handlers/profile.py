"""Profiles on the wire, and what people want with each other."""

from actors.messages.profile import (
    BlockPerson,
    ChangeProfile,
    FollowPerson,
    GetOwnProfile,
    GetProfile,
    ListFollowers,
    ListFollowing,
    UnblockPerson,
    UnfollowPerson,
)
from handlers.operation import Operation

_TAG = "profile"

OPERATIONS = [
    Operation(
        method="GET", path="/profiles/me", message=GetOwnProfile, to="profiles", tag=_TAG, summary="My profile",
        errors=("not_found",),
    ),
    Operation(
        method="PATCH", path="/profiles/me", message=ChangeProfile, to="profiles", tag=_TAG, rate="write",
        summary="Change what is named of my profile", errors=("not_found",),
        example={"display_name": "Ada Lovelace", "bio": "Notes on engines.", "tags": ["mathematics", "poetry"]},
    ),
    Operation(
        method="GET", path="/profiles/{username}", message=GetProfile, to="profiles", tag=_TAG,
        summary="One profile, and how I stand to that person", errors=("not_found",),
    ),
    Operation(
        method="PUT", path="/profiles/{username}/follow", message=FollowPerson, to="profiles", tag=_TAG, status=204,
        rate="write", summary="Follow; repeated, it changes nothing", rpc="profile.follow",
        errors=("invalid_request", "not_found", "conflict"),
    ),
    Operation(
        method="DELETE", path="/profiles/{username}/follow", message=UnfollowPerson, to="profiles", tag=_TAG,
        status=204, rate="write", summary="Follow no longer", rpc="profile.unfollow", errors=("not_found",),
    ),
    Operation(
        method="GET", path="/profiles/{username}/followers", message=ListFollowers, to="profiles", tag=_TAG,
        summary="Who follows a person, newest first", errors=("not_found",),
    ),
    Operation(
        method="GET", path="/profiles/{username}/following", message=ListFollowing, to="profiles", tag=_TAG,
        summary="Whom a person follows, newest first", errors=("not_found",),
    ),
    Operation(
        method="PUT", path="/profiles/{username}/block", message=BlockPerson, to="profiles", tag=_TAG, status=204,
        rate="write", summary="Block; ends follows in both directions", errors=("invalid_request", "not_found"),
    ),
    Operation(
        method="DELETE", path="/profiles/{username}/block", message=UnblockPerson, to="profiles", tag=_TAG, status=204,
        rate="write", summary="Lift a block", errors=("not_found",),
    ),
]  # fmt: skip
