"""What can be set about tasks."""

from typing import Annotated

import msgspec


class TaskSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``[task]``."""

    max_running: dict[str, Annotated[int, msgspec.Meta(ge=0)]] = {}
    """Type -> how many tasks of it may run at the same time, in all houses together. Types not named: no limit."""
    max_progress_per_second: Annotated[int, msgspec.Meta(ge=1)] = 50
    """Calls per task; beyond it 429."""
    sweep_seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 1.0
    """The longest time until something is noticed that another house has changed."""
