"""What can be set about couriers."""

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0)]


class CourierSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``[courier]``."""

    building_places: Count = 10
    """Level-1 couriers of one building who need nobody's approval; appointed ones count, too."""
    free_daily_tasks: Count = 15
    """What an application may ask for that needs nobody's approval."""
    free_weekly_hours: Count = 20
    promotion_deliveries: Count = 10
    """Of a level-1 courier who wants to be one of level 2."""
    promotion_active_days: Count = 7
    """Days on which they have delivered something."""
    promotion_led: Count = 3
    """Level-1 couriers below one of level 2 who wants to be one of level 3."""
    promotion_days: Count = 90
    """At level 3, for who wants to be one of level 4."""
