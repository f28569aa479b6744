"""What can be set about letters and their way."""

from datetime import timedelta
from typing import Annotated

import msgspec

Minutes = Annotated[float, msgspec.Meta(gt=0)]
Hours = Annotated[float, msgspec.Meta(gt=0)]


class LetterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``[letter]``."""

    deadline_hours: Hours = 4.0
    express_deadline_hours: Hours = 2.0
    release_hours: Hours = 6.0  # past the deadline
    assign_minutes: Minutes = 10.0  # that a task waits for somebody to take it; express waits for nobody
    handover_minutes: Minutes = 10.0
    max_attempts: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    max_versions: Annotated[int, msgspec.Meta(ge=2, le=100_000)] = 1_000
    label_days: Annotated[int, msgspec.Meta(ge=1)] = 365
    public_url: str = ""

    def deadline(self, priority: str) -> timedelta:
        """How long somebody may take who has a task of this priority."""
        return timedelta(hours=self.express_deadline_hours if priority == "express" else self.deadline_hours)

    def patience(self, priority: str) -> timedelta:
        """How long the house waits for somebody to take a task before it chooses."""
        return timedelta(0) if priority == "express" else timedelta(minutes=self.assign_minutes)
