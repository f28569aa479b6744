"""What the next level asks for."""

from datetime import datetime

from actors.courier.settings import CourierSettings
from actors.messages.courier import PromotionProgress
from storage.courier import CourierStore
from storage.postgres import Record

HIGHEST = 4


async def progress_of(
    store: CourierStore, settings: CourierSettings, row: Record, now: datetime
) -> PromotionProgress | None:
    """How far a courier is from the next level; None at the highest."""
    level = row["level"]
    if level == HIGHEST:
        return None
    progress = await store.get_progress(row["user_id"], 1)
    days = 0 if row["level_since"] is None else (now - row["level_since"]).days
    needs, has = {
        1: (
            {"deliveries": settings.promotion_deliveries, "active_days": settings.promotion_active_days},
            {"deliveries": row["delivered"], "active_days": progress["active_days"]},
        ),
        2: ({"led": settings.promotion_led}, {"led": progress["led"]}),
        3: ({"days": settings.promotion_days}, {"days": days}),
    }[level]
    is_met = all(has[name] >= needed for name, needed in needs.items())
    return PromotionProgress(level=level + 1, needs=needs, has=has, is_met=is_met)
