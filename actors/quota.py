"""How much an account may use: by its role, unless an administrator has set bounds of its own."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

import msgspec

from actors.messages.quota import Quota, SetQuota
from storage import queries
from storage.postgres import Record
from storage.write import Write

Q = queries.load("quota")
Bound = Annotated[int, msgspec.Meta(ge=0)]


class RoleBounds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of one role; None is as everybody's."""

    max_tasks: Bound | None = None
    max_storage: Bound | None = None  # bytes


class QuotaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``[quota]`` of the configuration: tasks per calendar month (UTC), bytes of files."""

    max_tasks: Bound = 10_000
    max_storage: Bound = 1_073_741_824  # bytes
    vip: RoleBounds = RoleBounds(max_tasks=100_000, max_storage=10_737_418_240)
    admin: RoleBounds = RoleBounds(max_tasks=1_000_000, max_storage=107_374_182_400)

    def bounds(self, role: str) -> tuple[int, int]:
        """``(max_tasks, max_storage)`` of a role; a super_admin has those of an admin."""
        own = {"vip": self.vip, "admin": self.admin, "super_admin": self.admin}.get(role, RoleBounds())
        tasks = self.max_tasks if own.max_tasks is None else own.max_tasks
        storage = self.max_storage if own.max_storage is None else own.max_storage
        return tasks, storage


def month_of(now: datetime) -> date:
    """The first day of the month, UTC."""
    return now.astimezone(UTC).date().replace(day=1)


def set_bounds(user_id: str, message: SetQuota, now: datetime) -> Write:
    """The write that sets what is named; gives (ord, used_tasks, used_storage, max_tasks, max_storage)."""
    row: list[Any] = [user_id, month_of(now)]
    for bound in (message.max_tasks, message.max_storage):
        row += [False, None] if bound is msgspec.UNSET else [True, bound]
    return Write(Q.update_bounds, row)


def describe_quota(row: Record, role: str, settings: QuotaSettings, now: datetime) -> Quota:
    """Make the answer from a row with ``used_tasks, used_storage, max_tasks, max_storage``."""
    max_tasks, max_storage = settings.bounds(role)
    month = month_of(now)
    following = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    return Quota(
        max_tasks=max_tasks if row["max_tasks"] is None else row["max_tasks"],
        used_tasks=row["used_tasks"],
        max_storage=max_storage if row["max_storage"] is None else row["max_storage"],
        used_storage=row["used_storage"],
        reset_at=datetime(following.year, following.month, 1, tzinfo=UTC),
    )
