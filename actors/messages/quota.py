"""What is said about quotas."""

from typing import Annotated

import msgspec

from actors.messages.fields import Id
from actors.runtime.message import Aware, Command, Query

Bound = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """Storage in bytes. ``used_tasks`` counts the calendar month (UTC) and starts anew at ``reset_at``."""

    max_tasks: int
    used_tasks: int
    max_storage: int
    used_storage: int
    reset_at: Aware


class GetQuota(Query[Quota], frozen=True, kw_only=True):
    """What an account may use, and what it has used."""

    user_id: Id


class SetQuota(Command[Quota], frozen=True, kw_only=True):
    """Give an account bounds of its own; null goes back to those of its role."""

    user_id: Id
    max_tasks: Bound | msgspec.UnsetType | None = msgspec.UNSET
    max_storage: Bound | msgspec.UnsetType | None = msgspec.UNSET
