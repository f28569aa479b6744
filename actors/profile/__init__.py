"""Profiles: what a person says of themselves, and who follows or blocks whom."""

from actors.profile.profile import ProfileOwner
from actors.profile.profiles import Profiles

__all__ = ["ProfileOwner", "Profiles"]
